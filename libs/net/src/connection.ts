/**
 * One outgoing byte stream to a target, over TCP, TLS or a Unix socket, with everything that happens noted in a record.
 *
 * An *exchange* is one message and one reply: the target's FIN ends it, and so does a silence of `replyTimeoutMs`. A
 * *conversation* lasts until both ends have sent FIN: after the target's it stays half-open for at most `halfOpenMs`. Either
 * goes on reading after our own FIN, and ends in RST when it is left before the target's. No read is buffered here (TLS reads
 * ahead by at most 64 KiB).
 */

import type { OnReadOpts, Socket } from "node:net";
import type { EndReason, ReadRate, ScheduleStep, StreamRecord } from "@wirebook/protocol";
import { Deadline } from "./deadline.ts";
import { connectTimeout, explain, replyTimeout, type ExchangeError } from "./errors.ts";
import { abort, connectTarget } from "./open-socket.ts";
import { ReadThrottle } from "./read-throttle.ts";
import type { Target } from "./target.ts";

/** Milliseconds for DNS, TCP and TLS together; beyond Linux's first two retransmits of a SYN (1 s, 3 s). */
export const connectTimeoutMsDefault = 5000;

/** Milliseconds without a byte from the target, while it is being read, after which an exchange is given up. */
export const replyTimeoutMsDefault = 15_000;

/** Times are at most 2,147,483,647 ms, as `setTimeout` has it. */
export interface ConnectionOptions {
  readonly record: StreamRecord;
  /** Bytes written as soon as the connection is ready. */
  readonly message: Uint8Array;
  /** Bytes that belong to the connection and not to the message: written first, before TLS, and not counted. */
  readonly proxyHeader?: Uint8Array | undefined;
  /** How the message is written, instead of at once [G-11]; `write` and `end` have no place beside it. */
  readonly schedule?: readonly ScheduleStep[] | undefined;
  readonly read?: ReadRate | undefined;
  readonly connectTimeoutMs?: number;
  /** Makes it an exchange: milliseconds without a byte while reading, `Infinity` for a reply that may fall silent. */
  readonly replyTimeoutMs?: number | undefined;
  /** For a conversation: milliseconds from the target's FIN until it is closed, if we have not sent ours by then. */
  readonly halfOpenMs?: number;
  /** True when the bytes of a read need be valid until `onRead` returns and no longer, and the record keeps none. */
  readonly isReadBorrowed?: boolean;
}

/** How a stream ended: by the target's FIN (`fin`), because it was left or reset by this end, or by an error. */
export type ConnectionOutcome = { readonly reason: EndReason } | ExchangeError;

/** What the owner of a connection is told, after the record was. Times are those of `performance.now()`. */
export interface ConnectionListener {
  onOpen?(connection: Connection): void;
  /** The kernel took one write. */
  onWritten?(byteCount: number, atMs: number, connection: Connection): void;
  onRead(bytes: Uint8Array, atMs: number, connection: Connection): void;
  /** A FIN was received or sent, and the stream goes on in the other direction. */
  onFin?(isFromTarget: boolean, atMs: number, connection: Connection): void;
  /** Called once, and nothing after it. */
  onOver(outcome: ConnectionOutcome, connection: Connection): void;
  /** One of the others threw. Without this the error is thrown on, and ends a process that expects none. */
  onInternalError?(error: unknown): void;
}

const readBytesMax = 64 * 1024;

/** What a write that waits costs in memory besides its bytes, so that many small ones are not taken for few bytes. */
export const writeCostBytes = 256;

/** All sockets read into the same memory, from where each read is copied: an idle connection holds none. */
const readBuffer = Buffer.allocUnsafeSlow(readBytesMax);

/** A connection: it may be written to before `connect`. It holds one socket and lets go of it before `onOver`. */
export class Connection {
  readonly record: StreamRecord;
  readonly #listener: ConnectionListener;
  readonly #options: ConnectionOptions;
  readonly #steps: ScheduleStep[];
  readonly #throttle: ReadThrottle | undefined;
  /** For the connection, then for each next byte of a reply while it is read, or for the half-open rest of a conversation. */
  readonly #deadline = new Deadline(() => this.#timeOut());
  #target: Target;
  /** The TCP or Unix socket, from `connect` on. */
  #transport: Socket | undefined;
  /** Where bytes are written and read: the transport itself, or TLS over it. */
  #socket: Socket | undefined;
  /** What waits for that, in order. */
  #held: Uint8Array[] = [];
  #unsentBytes = 0;
  #unsentWrites = 0;
  #scheduledBytes = 0;
  #stepTimer: NodeJS.Timeout | undefined;
  #hasWritten = false;
  #isEnded = false;
  #isOver = false;
  #isPaused = false;

  constructor(target: Target, options: ConnectionOptions, listener: ConnectionListener) {
    const { record, message, schedule, read } = options;
    this.record = record;
    this.#target = target;
    this.#options = options;
    this.#listener = listener;
    this.#steps = [...(schedule ?? [])];
    this.#throttle = read && new ReadThrottle(read, () => this.#readOrWait());
    if (schedule === undefined) this.write(message);
  }

  /** @param target another place, where that is known only now */
  connect(target: Target = this.#target): this {
    const { connectTimeoutMs = connectTimeoutMsDefault, proxyHeader } = this.#options;
    this.#target = target;
    this.#deadline.set(connectTimeoutMs);
    this.#transport = connectTarget(target, {
      connectTimeoutMs,
      // Without a timeout only the kernel's probes tell a silent target from one that lost its power.
      isKeptAlive: this.#replyTimeoutMs === Infinity,
      onread: this.#makeReader(),
      proxyHeader,
      record: this.record,
      onReady: (socket) => this.#open(socket),
      onError: (error) => {
        if (!this.#isOver) this.#finish(explain(error, target, this.record));
      },
    });
    return this;
  }

  /** Writes bytes, once the connection is ready; does nothing when the stream is over or `end` was called. */
  write(bytes: Uint8Array): void {
    if (this.#isOver || this.#isEnded || bytes.length === 0) return;
    if (this.#socket !== undefined) return this.#write(this.#socket, bytes);
    this.#held.push(bytes);
    this.#countUnsent(1, bytes);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Bytes written but not yet taken by the kernel. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

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
    if (this.#socket !== undefined) this.#sendFin(this.#socket);
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

  /** `onOver` is called before this returns. */
  cancel(): void {
    this.#finish({ reason: "cancelled" });
  }

  /** Breaks it off by RST; does nothing and returns false on a Unix socket, which has none. */
  reset(): boolean {
    if (this.#isUnix) return false;
    this.#finish({ reason: "reset" });
    return true;
  }

  get #isUnix(): boolean {
    return this.#target.address.transport === "unix";
  }

  get #isConversation(): boolean {
    return this.#options.replyTimeoutMs === undefined;
  }

  get #replyTimeoutMs(): number {
    return this.#options.replyTimeoutMs ?? Infinity;
  }

  #timeOut(): void {
    const { connectTimeoutMs = connectTimeoutMsDefault } = this.#options;
    const { at, receivedBytes } = this.record;
    if (this.#socket === undefined) this.#finish(connectTimeout(this.#target, connectTimeoutMs, this.record));
    else if (at.fin === undefined) this.#finish(replyTimeout(this.#target, this.#replyTimeoutMs, receivedBytes));
    else this.#finish({ reason: "fin" });
  }

  #open(socket: Socket): void {
    this.#socket = socket;
    socket.on("end", () => this.#endByTarget());
    if (socket !== this.#transport) socket.on("data", (bytes: Buffer) => this.#takeSome(socket, bytes));
    this.#deadline.set(this.#replyTimeoutMs);
    // Before the listener is called: the target works meanwhile.
    this.#writeHeld(socket);
    this.#throttle?.begin();
    this.#readOrWait();
    this.#tell((listener) => listener.onOpen?.(this));
    this.#takeStep();
  }

  #writeHeld(socket: Socket): void {
    const { proxyHeader } = this.#options;
    socket.cork();
    if (proxyHeader !== undefined && socket === this.#transport) socket.write(proxyHeader);
    for (const bytes of this.#held.splice(0)) {
      this.#countUnsent(-1, bytes);
      this.#write(socket, bytes);
    }
    socket.uncork();
    if (this.#isEnded) this.#sendFin(socket);
  }

  #write(socket: Socket, bytes: Uint8Array, onTaken?: () => void): void {
    // Nagle's algorithm (RFC 9293, section 3.7.4) delays nothing while nothing is on its way.
    if (this.#hasWritten) socket.setNoDelay();
    this.#hasWritten = true;
    this.#countUnsent(1, bytes);
    this.record.sending(bytes);
    socket.write(bytes, (error) => {
      this.#countUnsent(-1, bytes);
      if (error || this.#isOver) return;
      const atMs = performance.now();
      this.record.wrote(bytes.length, atMs);
      this.#tell((listener) => listener.onWritten?.(bytes.length, atMs, this));
      onTaken?.();
    });
  }

  #sendFin(socket: Socket): void {
    socket.end((error?: Error | null) => {
      if (error || this.#isOver) return;
      const isLast = this.record.at.fin !== undefined;
      const atMs = performance.now();
      this.record.ended("fin", false, atMs);
      if (isLast) this.#finish({ reason: "fin" });
      else this.#tell((listener) => listener.onFin?.(false, atMs, this));
    });
  }

  /**
   * The next step of the schedule, once its time has come. A write waits until the kernel has taken the one before: Node
   * would join writes that wait for each other, and each of them shall be one segment of its own.
   */
  #takeStep(): void {
    const step = this.#steps.shift();
    if (step === undefined || this.#isOver) return;
    if (step.afterMs === 0) this.#do(step);
    else this.#stepTimer = setTimeout(() => this.#do(step), step.afterMs);
  }

  #do(step: ScheduleStep): void {
    if ("bytes" in step) {
      const from = this.#scheduledBytes;
      this.#scheduledBytes += step.bytes;
      // As long as the schedule goes on, the target owes no answer.
      this.#deadline.refresh();
      const part = this.#options.message.subarray(from, this.#scheduledBytes);
      this.#write(this.#socket as Socket, part, () => this.#takeStep());
    } else if (step.do === "end") this.end();
    else if (!this.reset()) this.cancel();
  }

  #makeReader(): OnReadOpts {
    const throttle = this.#throttle;
    const isShared = throttle === undefined && this.#options.isReadBorrowed !== true;
    return {
      buffer: throttle === undefined ? readBuffer : () => Buffer.allocUnsafe(throttle.bytes),
      callback: (byteCount, buffer) => {
        const bytes = buffer.subarray(0, byteCount);
        this.#take(isShared ? Buffer.from(bytes) : bytes);
        return true;
      },
    };
  }

  /** What TLS deciphered; a slow reader takes some of it, and the rest stays with the socket. */
  #takeSome(socket: Socket, bytes: Buffer): void {
    const some = bytes.subarray(0, this.#throttle?.bytes);
    if (some.length < bytes.length) {
      socket.pause();
      socket.unshift(bytes.subarray(some.length));
    }
    this.#take(some);
  }

  #take(bytes: Uint8Array): void {
    if (this.#isOver) return;
    const atMs = performance.now();
    this.#throttle?.note();
    this.record.read(bytes, atMs);
    this.#deadline.refresh();
    this.#tell((listener) => listener.onRead(bytes, atMs, this));
    if (this.#throttle !== undefined) this.#readOrWait();
  }

  #readOrWait(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#isOver) return;
    const isRead = this.record.at.fin === undefined;
    if (this.#isPaused || this.#throttle?.isWaiting === true) {
      if (isRead) this.#deadline.clear();
      socket.pause();
    } else if (socket.isPaused()) {
      if (isRead) this.#deadline.set(this.#replyTimeoutMs);
      socket.resume();
    }
  }

  #endByTarget(): void {
    if (this.#isOver) return;
    const { halfOpenMs = Infinity, schedule } = this.#options;
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
    clearTimeout(this.#stepTimer);
    this.#throttle?.stop();
    if (this.#transport !== undefined) this.record.mark("closed", performance.now());
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
   * target has not got: it would take them for whole.
   */
  #close(isReset: boolean): void {
    const isWhole = this.record.at.fin !== undefined && !(this.#isConversation && this.unsentBytes > 0);
    if (this.#isUnix || (isWhole && !isReset)) this.#transport?.destroy();
    else if (this.#transport !== undefined) abort(this.#transport, this.#socket);
  }
}
