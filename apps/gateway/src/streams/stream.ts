/**
 * One exchange of one page, from its frame to its `end` or `error` [G-5].
 *
 * It waits for a connection to the server, then carries bytes both ways. What the page writes meanwhile waits here, in
 * order, and counts as unsent. Exactly one `end` or `error` frame is sent, and nothing after it.
 */

import { ExchangeCapture } from "@wirebook/capture";
import type { Capture } from "@wirebook/capture";
import { Exchange, Trace } from "@wirebook/net";
import type { ExchangeError, ExchangeListener, Target } from "@wirebook/net";
import { joinBytes } from "@wirebook/protocol";
import type { EndReason, FrameErrorCode, PlanStep, ReadPace, Step } from "@wirebook/protocol";
import type { ConnectionPool, SlotUser } from "./connection-pool.ts";
import type { GatewayLimits } from "../limits.ts";
import { guard } from "../websocket/guarded-listeners.ts";
import type { ErrorOwner } from "../websocket/guarded-listeners.ts";
import type { SendQueue } from "../websocket/send-queue.ts";
import { StreamFrames } from "./stream-frames.ts";

/** What the page requested. */
export interface StreamRequest {
  readonly id: number;
  /** The bytes to write first. */
  readonly message: Uint8Array;
  /** True to send FIN behind them. */
  readonly isEnded: boolean;
  /** True when further bytes may follow: a `raw` frame, never a `request` [G-6]. */
  readonly isRaw: boolean;
  /** How the message is written and the reply is read, where a `raw` frame says so [G-11]. */
  readonly plan: readonly PlanStep[] | undefined;
  readonly read: ReadPace | undefined;
  /** True for a reply that may be silent for any time. */
  readonly isFollow: boolean;
  /** When the frame came, on the gateway's clock. */
  readonly receivedMs: number;
  /** The operation as the metrics count it: its number, `none`, `other` for an unknown one, or `raw`. */
  readonly operation: string;
  /** What the log may show of the message: without a key. */
  readonly shown: string;
}

/** What all streams of a gateway share. */
export interface StreamShared {
  readonly server: Target;
  readonly pool: ConnectionPool;
  readonly limits: GatewayLimits;
  /** Gets the packets of all exchanges, if the operator wants them. */
  readonly capture: Capture | undefined;
}

/** The connection that a stream belongs to, and reports to. It closes on an internal error, which thus ends no other page. */
export interface StreamOwner extends ErrorOwner {
  readonly queue: SendQueue;
  /** What goes before each message to the server: the PROXY header of this page's connection [W-20]. */
  readonly proxyHeader: Uint8Array | undefined;
  /** So many bytes wait for the server that the page must not send more for now. */
  onStalled(stream: Stream): void;
  /** It may go on. */
  onFlowing(stream: Stream): void;
  /** The last frame was sent. */
  onOver(stream: Stream): void;
}

/** How an exchange ended: a reason of an `end` frame or a code of an `error` frame. */
export type StreamOutcome = EndReason | FrameErrorCode;

/** An exchange that a page started. */
export class Stream implements SlotUser, ExchangeListener {
  readonly request: StreamRequest;
  readonly #shared: StreamShared;
  readonly #owner: StreamOwner;
  readonly #frames: StreamFrames;
  readonly #captured: ExchangeCapture | undefined;
  #held: Uint8Array;
  #isEnded: boolean;
  #isStalled = false;
  /** Of the exchange, once there is one; until then it has only the time at which the frame came. */
  #trace = new Trace();
  #exchange: Exchange | undefined;
  #outcome: StreamOutcome | undefined;

  constructor(request: StreamRequest, shared: StreamShared, owner: StreamOwner) {
    this.request = request;
    this.#shared = shared;
    this.#owner = owner;
    this.#captured = shared.capture && new ExchangeCapture(shared.capture, performance.timeOrigin);
    this.#frames = new StreamFrames(request.id, owner.queue);
    this.#held = request.message;
    this.#isEnded = request.isEnded;
    this.#trace.mark("received", request.receivedMs);
  }

  /** The page's number for it. */
  get id(): number {
    return this.request.id;
  }

  /** Its page, whose exchanges share connections to the server. */
  get owner(): object {
    return this.#owner;
  }

  /** True once the page has said that no more bytes come from it. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Set when it is over. */
  get outcome(): StreamOutcome | undefined {
    return this.#outcome;
  }

  /** Bytes that went to the server, bytes that came from it, and when each step happened. */
  get trace(): Trace {
    return this.#trace;
  }

  /** Enters the queue for a connection. */
  start(): void {
    this.#shared.pool.enter(this);
  }

  /** Carries more bytes to the server, behind those that went before. */
  write(bytes: Uint8Array): void {
    if (this.#exchange === undefined) this.#held = joinBytes(this.#held, bytes);
    else this.#exchange.write(bytes);
    this.#checkStall();
  }

  /** Half-closes: FIN follows the bytes, and the reply is still read. */
  end(): void {
    this.#isEnded = true;
    this.#exchange?.end();
  }

  /** Closes at once; the page gets `end` with the reason `cancelled`. */
  cancel(): void {
    if (this.#exchange === undefined) this.#finish("cancelled");
    else this.#exchange.cancel();
  }

  /** Stops reading the server. */
  pause(): void {
    this.#exchange?.pause();
  }

  /** Goes on reading the server. */
  resume(): void {
    this.#exchange?.resume();
  }

  onSlot(): void {
    const { server, limits } = this.#shared;
    const { connectTimeoutMs, replyTimeoutMs } = limits;
    const { isFollow, receivedMs, plan, read } = this.request;
    const options = {
      plan,
      read,
      proxyHeader: this.#owner.proxyHeader,
      message: this.#held,
      isEnded: this.#isEnded,
      connectTimeoutMs,
      replyTimeoutMs: isFollow ? Infinity : replyTimeoutMs,
    };
    const exchange = new Exchange(server, options, this);
    this.#trace = exchange.trace;
    this.#trace.mark("received", receivedMs);
    if (this.#owner.queue.isFull) exchange.pause();
    this.#exchange = exchange;
    this.#held = new Uint8Array(0);
    this.#checkStall();
  }

  onBusy(message: string): void {
    this.#fail("busy", message, this.#shared.limits.retryBusyMs);
  }

  onStep(step: Step): void {
    guard(this.#owner, () => {
      if (step === "established") this.#frames.sendOpen(this.#trace);
      if (this.#captured === undefined) return;
      this.#captured.step(step, this.#trace);
      const { proxyHeader } = this.#owner;
      if (step === "established" && proxyHeader) this.#captured.sentProxyHeader(performance.now(), proxyHeader);
    });
  }

  onWrite(bytes: Uint8Array): void {
    guard(this.#owner, () => this.#captured?.wrote(performance.now(), bytes));
  }

  onChunk(chunk: Uint8Array): void {
    guard(this.#owner, () => {
      // First, since the chunk belongs to the queue afterwards; a capture copies it.
      this.#captured?.read(performance.now(), chunk);
      this.#frames.sendBytes(chunk);
    });
  }

  onDrain(): void {
    guard(this.#owner, () => this.#checkStall());
  }

  onEnd(reason: EndReason): void {
    guard(this.#owner, () => this.#finish(reason));
  }

  onError({ code, message }: ExchangeError): void {
    guard(this.#owner, () => this.#fail(code, message));
  }

  #finish(reason: EndReason): void {
    this.#frames.sendEnd(reason, this.#trace);
    this.#captured?.over(reason, this.#trace);
    this.#leave(reason);
  }

  #fail(code: FrameErrorCode, message: string, retryAfterMs?: number): void {
    this.#frames.sendError(code, message, this.#trace, retryAfterMs);
    this.#captured?.over({ code, message }, this.#trace);
    this.#leave(code);
  }

  #leave(outcome: StreamOutcome): void {
    this.#outcome = outcome;
    this.#shared.pool.leave(this);
    this.#setStalled(false);
    this.#owner.onOver(this);
  }

  #checkStall(): void {
    if (this.#outcome !== undefined) return;
    const unsentBytes = this.#exchange?.unsentBytes ?? this.#held.length;
    this.#setStalled(unsentBytes > this.#shared.limits.unsentBytesMax);
  }

  #setStalled(isStalled: boolean): void {
    if (isStalled === this.#isStalled) return;
    this.#isStalled = isStalled;
    if (isStalled) this.#owner.onStalled(this);
    else this.#owner.onFlowing(this);
  }
}
