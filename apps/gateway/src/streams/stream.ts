/**
 * One stream to a target, from its request to its outcome [G-5]: an exchange, a conversation, or a relay.
 *
 * It waits for a connection, then carries bytes both ways. What its client writes meanwhile waits here, in order, and
 * counts as unsent. Its client is told once how the stream ended, and nothing after it.
 */

import { StreamCapture } from "@wirebook/capture";
import type { Capture } from "@wirebook/capture";
import { Connection, ExchangeError, writeCostBytes } from "@wirebook/net";
import type { ConnectionListener, ConnectionOutcome, Target } from "@wirebook/net";
import { countsOnly, StreamRecord } from "@wirebook/protocol";
import type { EndReason, FrameErrorCode, ReadRate, ScheduleStep } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import type { ConnectionPool, SlotUser } from "./connection-pool.ts";

/** What a client asked for. */
export interface StreamRequest {
  /** The client's number for it. */
  readonly id: number;
  readonly target: Target;
  /** The bytes to write first. */
  readonly message: Uint8Array;
  /** True to send FIN behind them. */
  readonly isEnded: boolean;
  /** True when it lives until it is closed; false for an exchange, which ends with the target's FIN or its silence. */
  readonly isConversation: boolean;
  /** True for an exchange whose reply may be silent for any time. */
  readonly isFollow: boolean;
  /** How the message is written and the target is read, where that was said [G-11]. */
  readonly schedule?: readonly ScheduleStep[] | undefined;
  readonly read?: ReadRate | undefined;
  /** When it was requested, on the gateway's clock. */
  readonly receivedMs: number;
  /** What it is, as the metrics count it: an operation's number, `none`, `other` for an unknown one, `connect`, `relay`. */
  readonly operation: string;
  /** What the log may show of the message: without a key. */
  readonly shown: string;
}

/** What all streams of a gateway share. */
export interface StreamShared {
  readonly pool: ConnectionPool;
  readonly limits: GatewayLimits;
  /** Gets the packets of all streams, if the operator wants them. */
  readonly capture: Capture | undefined;
}

/** The WebSocket that a stream belongs to, which is told what happens. It closes on an internal error, which thus ends no other. */
export interface StreamOwner {
  /** True while so much waits for the client that its targets are not to be read. */
  readonly isFull: boolean;
  /** What goes before everything else to a target that wants it: the PROXY header of this client [W-20]. */
  readonly proxyHeader: Uint8Array | undefined;
  onOpen(stream: Stream): void;
  onWritten(stream: Stream, byteCount: number, atMs: number): void;
  /** The bytes of one read, which are only lent: the memory is read into again after the call. */
  onRead(stream: Stream, bytes: Uint8Array, atMs: number): void;
  onFin(stream: Stream, isFromTarget: boolean, atMs: number): void;
  /** Nothing follows. `retryAfterMs` when trying again helps. */
  onOver(stream: Stream, outcome: StreamEnd, retryAfterMs?: number): void;
  /** Whether so many bytes wait for the target that the client must not send more for now. */
  onStalled(isStalled: boolean): void;
  onInternalError(error: unknown): void;
}

/** How a stream ended, as its client is told. */
export type StreamEnd = { readonly reason: EndReason } | { readonly code: FrameErrorCode; readonly message: string };

/** The reason or the code of an outcome, for log and metrics; a stream that has none yet is being cancelled. */
export function outcomeOf(outcome: StreamEnd | undefined): EndReason | FrameErrorCode {
  if (outcome === undefined) return "cancelled";
  return "reason" in outcome ? outcome.reason : outcome.code;
}

/** What a capture needs of a record: it writes each event down at once. */
const newestEvent = { firstEventsKept: 0, lastEventsKept: 1, bytesKept: Infinity };

function captureOf({ name, address }: Target, capture: Capture): StreamCapture {
  const { transport } = address;
  return new StreamCapture(capture, { originMs: performance.timeOrigin, transport, hasKeys: name === "wirebook" });
}

/** A stream of a client. */
export class Stream implements SlotUser, ConnectionListener {
  readonly request: StreamRequest;
  readonly owner: StreamOwner;
  /** Its steps and counts; events are kept for a capture alone. */
  readonly record: StreamRecord;
  /** Where it connects. */
  #target: Target;
  readonly #shared: StreamShared;
  readonly #captured: StreamCapture | undefined;
  /** What waits for a connection, in order. */
  #held: Uint8Array[];
  #heldCost: number;
  #isEnded: boolean;
  #isStalled = false;
  #connection: Connection | undefined;
  #outcome: StreamEnd | undefined;

  constructor(request: StreamRequest, owner: StreamOwner, shared: StreamShared) {
    this.request = request;
    this.#target = request.target;
    this.owner = owner;
    this.#shared = shared;
    this.record = new StreamRecord(shared.capture === undefined ? countsOnly : newestEvent);
    this.#captured = shared.capture && captureOf(request.target, shared.capture);
    this.#held = [request.message];
    this.#heldCost = request.message.length;
    this.#isEnded = request.isEnded;
    this.record.mark("received", request.receivedMs);
  }

  get id(): number {
    return this.request.id;
  }

  /** True once the client has said that no more bytes come from it. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Set when it is over. */
  get outcome(): StreamEnd | undefined {
    return this.#outcome;
  }

  /** True while it waits for a connection and has nothing to send: a client that leaves misses nothing. */
  get isUnused(): boolean {
    return this.#connection === undefined && this.#heldCost === 0;
  }

  /**
   * Enters the queue for a connection.
   *
   * @param target with its port, where that is known only now [G-17]
   */
  start(target: Target = this.request.target): void {
    this.#target = target;
    this.#shared.pool.enter(this);
  }

  /** Carries more bytes to the target, behind those that went before. */
  write(bytes: Uint8Array): void {
    if (this.#connection === undefined) this.#hold(bytes);
    else this.#connection.write(bytes);
    this.#checkStall();
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#held.push(bytes);
    this.#heldCost += bytes.length + writeCostBytes;
  }

  /** Half-closes: FIN follows the bytes, and the target is still read. */
  end(): void {
    this.#isEnded = true;
    this.#connection?.end();
  }

  /** Sends RST, or ends a stream that still waits; false where the target's connection has none. */
  reset(): boolean {
    if (this.#connection !== undefined) return this.#connection.reset();
    if (this.request.target.address.transport === "unix") return false;
    this.#finish({ reason: "reset" });
    return true;
  }

  /** Closes at once. */
  cancel(): void {
    if (this.#connection === undefined) this.#finish({ reason: "cancelled" });
    else this.#connection.cancel();
  }

  /** Stops reading the target. */
  pause(): void {
    this.#connection?.pause();
  }

  /** Goes on reading the target. */
  resume(): void {
    this.#connection?.resume();
  }

  onSlot(): void {
    const { limits } = this.#shared;
    const { isConversation, isFollow, schedule, read } = this.request;
    const connection = new Connection(
      this.#target,
      {
        message: this.#held.length === 1 ? this.request.message : Buffer.concat(this.#held),
        isEnded: this.#isEnded,
        proxyHeader: this.#proxyHeader,
        schedule,
        read,
        connectTimeoutMs: limits.connectTimeoutMs,
        replyTimeoutMs: isConversation ? undefined : isFollow ? Infinity : limits.replyTimeoutMs,
        halfOpenMs: limits.halfOpenMs,
        isReadBorrowed: this.#captured === undefined,
        record: this.record,
      },
      this,
    );
    this.#connection = connection;
    this.#held = [];
    if (this.owner.isFull) connection.pause();
    this.#checkStall();
  }

  onBusy(message: string): void {
    this.#finish({ code: "busy", message }, this.#shared.limits.retryBusyMs);
  }

  onOpen(): void {
    this.#captured?.open(this.record, this.#proxyHeader);
    this.owner.onOpen(this);
  }

  onWritten(byteCount: number, atMs: number): void {
    this.#captured?.note(this.record);
    this.owner.onWritten(this, byteCount, atMs);
    if (this.#isStalled) this.#checkStall();
  }

  onRead(bytes: Uint8Array, atMs: number): void {
    this.#captured?.note(this.record);
    this.owner.onRead(this, bytes, atMs);
  }

  onFin(isFromTarget: boolean, atMs: number): void {
    this.#captured?.note(this.record);
    this.owner.onFin(this, isFromTarget, atMs);
  }

  onOver(outcome: ConnectionOutcome): void {
    this.#finish(outcome instanceof ExchangeError ? { code: outcome.code, message: outcome.message } : outcome);
  }

  onInternalError(error: unknown): void {
    this.owner.onInternalError(error);
  }

  get #proxyHeader(): Uint8Array | undefined {
    return this.request.target.proxy === undefined ? undefined : this.owner.proxyHeader;
  }

  #finish(outcome: StreamEnd, retryAfterMs?: number): void {
    this.#outcome = outcome;
    this.owner.onOver(this, outcome, retryAfterMs);
    this.#captured?.over(outcome, this.record);
    this.#shared.pool.leave(this);
    this.#setStalled(false);
  }

  #checkStall(): void {
    if (this.#outcome !== undefined) return;
    const unsent = this.#connection?.unsentCost ?? this.#heldCost;
    this.#setStalled(unsent > this.#shared.limits.unsentBytesMax);
  }

  #setStalled(isStalled: boolean): void {
    if (isStalled === this.#isStalled) return;
    this.#isStalled = isStalled;
    this.owner.onStalled(isStalled);
  }
}
