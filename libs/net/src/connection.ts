/**
 * One outgoing byte stream to a target, over TCP, TLS or a Unix socket, with everything that happens noted in a record.
 *
 * It lives in one of two ways. An *exchange* is one message and one reply: the target's FIN ends it, and so does a silence
 * of `replyTimeoutMs`. A *conversation* lasts until both ends have sent FIN: no silence ends it, and after the target's
 * FIN it stays half-open for at most `halfOpenMs`. Either of them goes on reading after our own FIN.
 *
 * Nothing is buffered here: each read goes to the listener as the kernel gave it, and `pause` stops the reading, so that
 * TCP's own window slows the target down (TLS reads ahead by at most 64 KiB). When the target's FIN ends it, what the
 * target has not yet read is dropped. A stream that is left before ends in RST, so that the target knows: through TLS
 * that is a reset of the TCP connection beneath. A Unix socket has none and is closed.
 * A schedule writes the message in pieces and a read rate reads slowly, to see what a target makes of that [G-11].
 */

import type { OnReadOpts, Socket } from "node:net";
import { countsOnly, StreamRecord } from "@wirebook/protocol";
import type { ScheduleStep } from "@wirebook/protocol";
import { abort } from "./abort.ts";
import { connectTimeoutMsDefault, halfOpenMsDefault } from "./connection-options.ts";
import type { ConnectionListener, ConnectionOptions, ConnectionOutcome } from "./connection-options.ts";
import { Deadline } from "./deadline.ts";
import { connectTimeout, explain, replyTimeout } from "./errors.ts";
import { connectTarget } from "./open-socket.ts";
import { ReadThrottle } from "./read-throttle.ts";
import type { Target } from "./target.ts";
import { WriteSchedule } from "./write-schedule.ts";

const readBytesMax = 64 * 1024;

/** What a write that waits costs in memory besides its bytes, so that many small ones are not taken for few bytes. */
export const writeCostBytes = 256;

/** All sockets read into the same memory, from where each read is copied: an idle connection holds none. */
const readBuffer = Buffer.allocUnsafeSlow(readBytesMax);

/** A connection that was begun. It holds one socket and lets go of it before `onOver`. */
export class Connection {
  readonly target: Target;
  readonly record: StreamRecord;
  readonly #listener: ConnectionListener;
  readonly #options: ConnectionOptions;
  readonly #connectTimeoutMs: number;
  /** For the connection, then for each next byte of a reply while it is read, or for the half-open rest of a conversation. */
  readonly #deadline = new Deadline(() => this.#timeOut());
  readonly #schedule: WriteSchedule | undefined;
  readonly #throttle: ReadThrottle | undefined;
  /** The TCP or Unix socket. */
  readonly #transport: Socket;
  /** Where bytes are written and read: the transport itself, or TLS over it. */
  #socket: Socket;
  /** What waits for the connection, in order; `undefined` once it is ready. */
  #held: Uint8Array[] | undefined = [];
  #unsentBytes = 0;
  #unsentWrites = 0;
  #hasWritten = false;
  #isEnded = false;
  #isOver = false;
  #isPaused = false;

  constructor(target: Target, options: ConnectionOptions, listener: ConnectionListener) {
    const { message, schedule, read, connectTimeoutMs = connectTimeoutMsDefault } = options;
    this.target = target;
    this.record = options.record ?? new StreamRecord(countsOnly);
    this.#listener = listener;
    this.#options = options;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#throttle = read && new ReadThrottle(read, () => this.#readOrWait());
    this.#schedule = schedule && this.#makeSchedule(schedule, message);
    this.#transport = this.#socket = connectTarget(target, {
      connectTimeoutMs,
      // Without a timeout only the kernel's probes tell a silent target from one that lost its power.
      isKeptAlive: this.#replyTimeoutMs === Infinity,
      onread: this.#makeReader(),
      proxyHeader: options.proxyHeader,
      record: this.record,
      onReady: (socket) => this.#open(socket),
      onError: (error) => {
        if (!this.#isOver) this.#finish(explain(error, target, this.record));
      },
    });
    this.#deadline.set(connectTimeoutMs);
    if (schedule === undefined) this.write(message);
    if (options.isEnded ?? false) this.end();
  }

  /**
   * Writes more bytes; does nothing once the stream is over or `end` was called. Returns false when the kernel has not
   * taken them all yet; `onDrain` says when it has.
   */
  write(bytes: Uint8Array): boolean {
    if (this.#isOver || this.#isEnded || bytes.length === 0) return true;
    if (this.#held === undefined) return this.#write(bytes);
    this.#held.push(bytes);
    this.#countUnsent(1, bytes);
    return this.#unsentBytes < this.#socket.writableHighWaterMark;
  }

  /** Bytes written but not yet taken by the kernel. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** What they cost in memory: more than their number where they are many small writes. */
  get unsentCost(): number {
    return this.#unsentBytes + this.#unsentWrites * writeCostBytes;
  }

  #countUnsent(writes: 1 | -1, { length }: Uint8Array): void {
    this.#unsentWrites += writes;
    this.#unsentBytes += writes * length;
  }

  /** Sends FIN behind what was written (through TLS after its `close_notify`), and goes on reading. */
  end(): void {
    if (this.#isOver || this.#isEnded) return;
    this.#isEnded = true;
    if (this.#held === undefined) this.#sendFin();
  }

  /** Stops reading, so that TCP slows the target down; the reply timeout stands still meanwhile. */
  pause(): void {
    this.#isPaused = true;
    this.#readOrWait();
  }

  resume(): void {
    this.#isPaused = false;
    this.#readOrWait();
  }

  /** Leaves; the listener's `onOver` is called with `cancelled` before this returns. */
  cancel(): void {
    this.#finish({ reason: "cancelled" });
  }

  /** Breaks the connection off by RST; does nothing and returns false where there is none, on a Unix socket. */
  reset(): boolean {
    if (this.target.address.transport === "unix") return false;
    this.#finish({ reason: "reset" });
    return true;
  }

  get #isOpen(): boolean {
    return this.#held === undefined;
  }

  get #isConversation(): boolean {
    return this.#options.replyTimeoutMs === undefined;
  }

  get #replyTimeoutMs(): number {
    return this.#options.replyTimeoutMs ?? Infinity;
  }

  #timeOut(): void {
    const { target, record } = this;
    if (!this.#isOpen) this.#finish(connectTimeout(target, this.#connectTimeoutMs, record));
    else if (record.at.fin === undefined)
      this.#finish(replyTimeout(target, this.#replyTimeoutMs, record.receivedBytes));
    else this.#finish({ reason: "fin" });
  }

  #open(socket: Socket): void {
    this.#socket = socket;
    socket.on("drain", () => {
      if (!this.#isOver) this.#tell((listener) => listener.onDrain?.(this));
    });
    socket.on("end", () => this.#endByTarget());
    if (socket !== this.#transport) socket.on("data", (bytes: Buffer) => this.#takeSome(bytes));
    this.#deadline.set(this.#replyTimeoutMs);
    // Before the listener is called: the target works meanwhile.
    this.#writeHeld();
    this.#throttle?.begin();
    this.#readOrWait();
    this.#tell((listener) => listener.onOpen?.(this));
    if (!this.#isOver) this.#schedule?.begin();
  }

  #writeHeld(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const bytes of held) this.#countUnsent(-1, bytes);
    this.#socket.cork();
    if (this.#options.proxyHeader !== undefined && this.#socket === this.#transport) {
      this.#socket.write(this.#options.proxyHeader);
    }
    for (const bytes of held) this.#write(bytes);
    this.#socket.uncork();
    if (this.#isEnded) this.#sendFin();
  }

  #write(bytes: Uint8Array, onTaken?: () => void): boolean {
    // Nagle's algorithm (RFC 9293, section 3.7.4) delays nothing while nothing is on its way.
    if (this.#hasWritten) this.#socket.setNoDelay();
    this.#hasWritten = true;
    this.#countUnsent(1, bytes);
    this.record.sending(bytes);
    return this.#socket.write(bytes, (error) => {
      this.#countUnsent(-1, bytes);
      if (error || this.#isOver) return;
      const atMs = performance.now();
      this.record.wrote(bytes.length, atMs);
      this.#tell((listener) => listener.onWritten?.(bytes.length, atMs, this));
      if (!this.#isOver) onTaken?.();
    });
  }

  #sendFin(): void {
    this.#socket.end((error?: Error | null) => {
      if (error || this.#isOver) return;
      const isLast = this.record.at.fin !== undefined;
      const atMs = performance.now();
      this.record.ended("fin", false, atMs);
      if (isLast) this.#finish({ reason: "fin" });
      else this.#tell((listener) => listener.onFin?.(false, atMs, this));
    });
  }

  #makeSchedule(steps: readonly ScheduleStep[], message: Uint8Array): WriteSchedule {
    return new WriteSchedule(steps, message, {
      write: (bytes, onTaken) => {
        // As long as the schedule goes on, the target owes no answer.
        this.#deadline.refresh();
        this.#write(bytes, onTaken);
      },
      end: () => this.end(),
      reset: () => {
        if (!this.reset()) this.cancel();
      },
    });
  }

  /** How the transport is read, where TLS does not read it. */
  #makeReader(): OnReadOpts {
    const throttle = this.#throttle;
    if (throttle === undefined) {
      const { isReadBorrowed = false } = this.#options;
      return {
        buffer: readBuffer,
        callback: (byteCount) => {
          const bytes = readBuffer.subarray(0, byteCount);
          this.#take(isReadBorrowed ? bytes : Buffer.from(bytes));
          return true;
        },
      };
    }
    return {
      buffer: () => Buffer.allocUnsafe(throttle.bytes),
      callback: (byteCount, buffer) => {
        throttle.note();
        this.#take(buffer.subarray(0, byteCount));
        if (!this.#isOver) this.#readOrWait();
        return true;
      },
    };
  }

  /** What TLS deciphered; a slow reader takes some of it, and the rest stays with the socket. */
  #takeSome(bytes: Buffer): void {
    const throttle = this.#throttle;
    if (throttle === undefined) return this.#take(bytes);
    const byteCount = throttle.bytes;
    throttle.note();
    if (bytes.length > byteCount) {
      this.#socket.pause();
      this.#socket.unshift(bytes.subarray(byteCount));
    }
    this.#take(bytes.subarray(0, byteCount));
    if (!this.#isOver) this.#readOrWait();
  }

  #take(bytes: Uint8Array): void {
    if (this.#isOver) return;
    const atMs = performance.now();
    this.record.read(bytes, atMs);
    this.#deadline.refresh();
    this.#tell((listener) => listener.onRead(bytes, atMs, this));
  }

  /** Reads on unless the listener or the read rate holds the reading back. */
  #readOrWait(): void {
    const isRead = this.#isOpen && this.record.at.fin === undefined;
    if (this.#isPaused || (this.#throttle?.isWaiting ?? false)) {
      if (isRead) this.#deadline.clear();
      this.#socket.pause();
    } else if (this.#socket.isPaused()) {
      if (isRead) this.#deadline.set(this.#replyTimeoutMs);
      this.#socket.resume();
    }
  }

  /** The target sent FIN. A handshake that it broke off so is an error, which follows. */
  #endByTarget(): void {
    if (this.#isOver || !this.#isOpen) return;
    const { halfOpenMs = halfOpenMsDefault, schedule } = this.#options;
    const isLast = this.record.at.ended !== undefined || !this.#isConversation || schedule !== undefined;
    const atMs = performance.now();
    this.record.ended("fin", true, atMs);
    if (isLast) return this.#finish({ reason: "fin" });
    this.#deadline.set(halfOpenMs);
    this.#tell((listener) => listener.onFin?.(true, atMs, this));
  }

  #finish(outcome: ConnectionOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline.clear();
    this.#schedule?.stop();
    this.#throttle?.stop();
    this.record.mark("closed", performance.now());
    this.#close("reason" in outcome && outcome.reason === "reset");
    this.record.outcome =
      "reason" in outcome
        ? { kind: "ended", reason: outcome.reason }
        : { kind: "failed", code: outcome.code, hop: "gateway-server", message: outcome.message };
    this.#tell((listener) => listener.onOver(outcome, this));
  }

  /** A mistake of a listener ends its own stream, and no other that this process carries. */
  #tell(call: (listener: ConnectionListener) => void): void {
    const listener = this.#listener;
    try {
      call(listener);
    } catch (error) {
      if (listener.onInternalError === undefined) throw error;
      listener.onInternalError(error);
    }
  }

  /**
   * After the target's FIN nothing is left unread, so closing sends our FIN; but not in a conversation whose last bytes the
   * target has not got: it would take them for whole. A Unix socket can only be closed.
   */
  #close(isReset: boolean): void {
    const isUnix = this.target.address.transport === "unix";
    const isWhole = this.record.at.fin !== undefined && !(this.#isConversation && this.unsentBytes > 0);
    if (isUnix || (isWhole && !isReset)) this.#transport.destroy();
    else abort(this.#transport, this.#socket);
  }
}
