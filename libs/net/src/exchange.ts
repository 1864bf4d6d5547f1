/**
 * One TCP exchange with a line server, traced: connect, write the message, read the reply until FIN (RFC 9293).
 *
 * Nothing is buffered here: each chunk goes to the listener as one read gave it, and `pause` stops the reading, so
 * TCP's own window slows the server down (Node itself reads ahead by at most 64 KiB; those chunks keep their
 * boundaries and get the time at which they are handed on). The socket is half-open by design: `end` sends FIN and goes
 * on reading. The server's FIN ends the exchange, and what the server has not yet read of the message is dropped then.
 * An exchange that is left before it ends in RST, so that the server knows.
 * A plan writes the message in pieces and a pace reads the reply slowly, to see what a server makes of that [G-11].
 */

import { connect, isIPv4 } from "node:net";
import type { OnReadOpts, Socket } from "node:net";
import type { EndReason, Endpoint, PlanStep, ReadPace, Step } from "@wirebook/protocol";
import { abort } from "./abort.ts";
import { Deadline } from "./deadline.ts";
import type { Target } from "./addresses.ts";
import { connectTimeout, explain, replyTimeout } from "./errors.ts";
import type { ExchangeError } from "./errors.ts";
import { ReadThrottle } from "./read-throttle.ts";
import { WriteSchedule } from "./write-schedule.ts";
import { Trace } from "./trace.ts";

/** Milliseconds until a connection must be established; beyond Linux's first two retransmits of a SYN (1 s, 3 s). */
export const connectTimeoutMsDefault = 5000;

/** Milliseconds without a byte from the server, while it is being read, after which an exchange is given up. */
export const replyTimeoutMsDefault = 15_000;

/** Milliseconds of silence after which the kernel asks whether the server of an exchange without timeout still lives. */
const keepAliveDelayMs = 30_000;

/** How an exchange begins and how long it may wait. Times are at most 2,147,483,647 ms, as `setTimeout` has it. */
export interface ExchangeOptions {
  /** Bytes written as soon as the connection is established. */
  readonly message: Uint8Array;
  /** Bytes that belong to the connection and not to the message, such as a PROXY header: written before it, uncounted. */
  readonly proxyHeader?: Uint8Array | undefined;
  /** True to send FIN behind them; more bytes may follow through `write` otherwise. Default false. */
  readonly isEnded?: boolean;
  /** How the message is written, instead of at once; `isEnded` and `write` have no place beside it [G-11]. */
  readonly plan?: readonly PlanStep[] | undefined;
  /** How slowly the reply is read. */
  readonly read?: ReadPace | undefined;
  /** Milliseconds until the connection must be established. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds without a byte while reading; `Infinity` for a reply that may fall silent, as a follow does. */
  readonly replyTimeoutMs?: number;
}

/** What the owner of an exchange is told. Exactly one of `onEnd` and `onError` is called, once, and nothing after it. */
export interface ExchangeListener {
  /** A step happened; its time is in the trace. `closed` is not told: `onEnd` and `onError` are that step. */
  onStep?(step: Step, exchange: Exchange): void;
  /** The kernel took a write; this is its time. */
  onWrite?(bytes: Uint8Array, exchange: Exchange): void;
  /** What one read from TCP gave. The bytes are the listener's to keep. */
  onChunk(chunk: Uint8Array, exchange: Exchange): void;
  /** After a `write` that returned false: the kernel has taken all that was written. */
  onDrain?(exchange: Exchange): void;
  /** The server sent FIN (`fin`), `cancel` was called, or the plan came to its `reset`. */
  onEnd(reason: EndReason, exchange: Exchange): void;
  onError(error: ExchangeError, exchange: Exchange): void;
}

/** An exchange that has begun. It holds one socket and lets go of it before `onEnd` or `onError`. */
export class Exchange {
  readonly trace = new Trace();
  readonly target: Target;
  readonly #listener: ExchangeListener;
  readonly #connectTimeoutMs: number;
  readonly #replyTimeoutMs: number;
  /** For the connection, then for each next byte of the reply while it is read. */
  readonly #deadline = new Deadline(() => this.#timeOut());
  readonly #socket: Socket;
  readonly #plan: WriteSchedule | undefined;
  readonly #throttle: ReadThrottle | undefined;
  readonly #proxyHeader: Uint8Array | undefined;
  /** What waits for the connection, in order; `undefined` once it stands. */
  #held: Uint8Array[] | undefined = [];
  #isEnded = false;
  #isOver = false;
  #isPaused = false;

  constructor(target: Target, options: ExchangeOptions, listener: ExchangeListener) {
    const { connectTimeoutMs = connectTimeoutMsDefault, replyTimeoutMs = replyTimeoutMsDefault } = options;
    this.target = target;
    this.#listener = listener;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#replyTimeoutMs = replyTimeoutMs;
    this.#proxyHeader = options.proxyHeader;
    this.trace.mark("connecting");
    this.#throttle = options.read && new ReadThrottle(options.read, () => this.#readOrWait());
    this.#plan = options.plan && this.#makePlan(options.plan, options.message);
    this.#socket = this.#connect(replyTimeoutMs === Infinity);
    this.#deadline.set(connectTimeoutMs);
    if (this.#plan === undefined) this.write(options.message);
    if (options.isEnded ?? false) this.end();
  }

  /**
   * Writes more bytes; does nothing once the exchange is over or `end` was called. Returns false when the kernel has
   * not taken them all yet; `onDrain` says when it has.
   */
  write(bytes: Uint8Array): boolean {
    if (this.#isOver || this.#isEnded || bytes.length === 0) return true;
    if (this.#held === undefined) return this.#write(bytes);
    this.#held.push(bytes);
    return this.unsentBytes < this.#socket.writableHighWaterMark;
  }

  /** Bytes written but not yet taken by the kernel. */
  get unsentBytes(): number {
    const { writableLength } = this.#socket;
    return this.#held === undefined ? writableLength : this.#held.reduce((sum, { length }) => sum + length, 0);
  }

  /** Sends FIN behind what was written, and goes on reading. */
  end(): void {
    if (this.#isOver || this.#isEnded) return;
    this.#isEnded = true;
    if (this.#held === undefined) this.#sendFin();
  }

  /** Stops reading, so that TCP slows the server down; the reply timeout stands still meanwhile. */
  pause(): void {
    this.#isPaused = true;
    this.#readOrWait();
  }

  /** Reads on. */
  resume(): void {
    this.#isPaused = false;
    this.#readOrWait();
  }

  /** Breaks the connection off; the listener's `onEnd` is called with `cancelled` before this returns. */
  cancel(): void {
    if (this.#isOver) return;
    this.#close();
    this.#listener.onEnd("cancelled", this);
  }

  get #isConnected(): boolean {
    return this.trace.at.established !== undefined;
  }

  #timeOut(): void {
    const { target, trace } = this;
    if (this.#isConnected) this.#fail(replyTimeout(target, this.#replyTimeoutMs, trace.receivedBytes));
    else this.#fail(connectTimeout(target, this.#connectTimeoutMs));
  }

  #connect(mayBeSilent: boolean): Socket {
    const { host, port } = this.target;
    const socket = connect({
      host,
      port,
      allowHalfOpen: true,
      onread: this.#throttle && this.#slowReads(this.#throttle),
      // Without a timeout only the kernel's probes tell a silent server from one that lost its power.
      keepAlive: mayBeSilent,
      keepAliveInitialDelay: keepAliveDelayMs,
    });
    socket.on("error", (error) => this.#fail(explain(error, this.target, this.trace)));
    socket.on("connect", () => this.#begin());
    // A listener for `data` would begin to read before the pace says so.
    if (this.#throttle === undefined) socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#finish());
    return socket;
  }

  /** The connection stands. */
  #begin(): void {
    this.trace.mark("established");
    this.#deadline.set(this.#replyTimeoutMs);
    // Before the listener is called: the server works meanwhile.
    this.#writeHeld();
    this.trace.local = endpoint(this.#socket.localAddress, this.#socket.localPort);
    this.trace.remote = this.#findRemote();
    this.#throttle?.begin();
    this.#readOrWait();
    this.#listener.onStep?.("established", this);
    if (!this.#isOver) this.#plan?.begin();
  }

  /** An IPv4 address has one spelling and is the one that was reached, so the kernel need not be asked. */
  #findRemote(): Endpoint | undefined {
    const { host, port } = this.target;
    return isIPv4(host) ? { address: host, port } : endpoint(this.#socket.remoteAddress, this.#socket.remotePort);
  }

  #writeHeld(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#socket.cork();
    if (this.#proxyHeader !== undefined) this.#socket.write(this.#proxyHeader);
    for (const bytes of held) this.#write(bytes);
    this.#socket.uncork();
    if (this.#isEnded) this.#sendFin();
  }

  #write(bytes: Uint8Array, onTaken?: () => void): boolean {
    // Nagle's algorithm (RFC 9293, section 3.7.4) delays nothing while nothing is on its way.
    if (this.trace.sentBytes > 0) this.#socket.setNoDelay();
    return this.#socket.write(bytes, (error) => {
      if (error) return;
      this.trace.markWrite(bytes.length);
      if (!this.#isOver) this.#listener.onWrite?.(bytes, this);
      this.#step("written");
      if (!this.#isOver) onTaken?.();
    });
  }

  #sendFin(): void {
    this.#socket.end(() => this.#step("ended"));
  }

  #makePlan(steps: readonly PlanStep[], message: Uint8Array): WriteSchedule {
    return new WriteSchedule(steps, message, {
      write: (bytes, onTaken) => {
        // As long as the plan goes on, the server owes no answer.
        this.#deadline.refresh();
        this.#write(bytes, onTaken);
      },
      end: () => this.end(),
      reset: () => this.#reset(),
    });
  }

  /** A buffer of its own for each read, since the chunks are the listener's to keep. */
  #slowReads(pace: ReadThrottle): OnReadOpts {
    return {
      buffer: () => Buffer.allocUnsafe(pace.bytes),
      callback: (bytes, buffer) => {
        pace.note();
        this.#take(buffer.subarray(0, bytes));
        if (!this.#isOver) this.#readOrWait();
        return true;
      },
    };
  }

  /** Reads on unless the listener or the pace holds the reading back. */
  #readOrWait(): void {
    if (this.#isPaused || (this.#throttle?.isWaiting ?? false)) {
      if (this.#isConnected) this.#deadline.clear();
      this.#socket.pause();
    } else if (this.#socket.isPaused()) {
      if (this.#isConnected) this.#deadline.set(this.#replyTimeoutMs);
      this.#socket.resume();
    }
  }

  #take(chunk: Uint8Array): void {
    if (this.#isOver) return;
    const isFirst = this.trace.receivedBytes === 0;
    this.trace.markChunk(chunk.length);
    this.#deadline.refresh();
    if (isFirst) this.#listener.onStep?.("firstByte", this);
    // The step's listener may have cancelled.
    if (!this.#isOver) this.#listener.onChunk(chunk, this);
  }

  #drained(): void {
    if (!this.#isOver) this.#listener.onDrain?.(this);
  }

  /** As the plan has it. */
  #reset(): void {
    this.#close();
    this.#listener.onEnd("reset", this);
  }

  #finish(): void {
    this.#step("fin");
    if (this.#isOver) return;
    this.#close();
    this.#listener.onEnd("fin", this);
  }

  #fail(error: ExchangeError): void {
    if (this.#isOver) return;
    this.#close();
    this.#listener.onError(error, this);
  }

  /** After the server's FIN nothing is left unread, so closing sends our FIN. */
  #close(): void {
    this.#isOver = true;
    this.#deadline.clear();
    this.#plan?.stop();
    this.#throttle?.stop();
    this.trace.mark("closed");
    if (this.trace.at.fin === undefined) abort(this.#socket);
    else this.#socket.destroy();
  }

  #step(step: Step): void {
    if (this.#isOver || this.trace.at[step] !== undefined) return;
    this.trace.mark(step);
    this.#listener.onStep?.(step, this);
  }
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}
