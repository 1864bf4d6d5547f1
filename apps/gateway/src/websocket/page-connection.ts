/**
 * One WebSocket and the exchanges that it carries [G-2]…[G-10].
 *
 * The page's frames come in here and become streams; each stream answers through the queue. What holds them back, in both
 * directions, is decided here: a full queue pauses all streams of this page, a stalled stream (or a queue that overflows
 * all the same) pauses the page. A frame that cannot be carried out is answered with an `error`; the WebSocket is closed
 * only on a page that goes on with it.
 */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { AccessLog } from "../telemetry/access-log.ts";
import { closeCodes } from "./close-codes.ts";
import { closeReasonBytesMax } from "../limits.ts";
import { FrameLimiter } from "./frame-limiter.ts";
import { FrameError } from "./frame-error.ts";
import { guard } from "./guard.ts";
import type { Log } from "../telemetry/log.ts";
import type { Bytes, Metrics } from "../telemetry/metrics.ts";
import { SendQueue } from "./send-queue.ts";
import type { SendQueueListener } from "./send-queue.ts";
import { readBytes, readFrame, readStreamRequest } from "./page-frames.ts";
import { listenTo } from "./page-listeners.ts";
import type { PageListener } from "./page-listeners.ts";
import { ReadGate } from "./read-gate.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Stream } from "../streams/stream.ts";
import type { StreamRequest, StreamOwner, StreamShared } from "../streams/stream.ts";
import { StreamTable } from "../streams/stream-table.ts";

/** What all connections of a gateway share. */
export interface PageConnectionShared extends StreamShared {
  readonly accessLog: AccessLog;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly version: string;
  /** The server as `host:port`. */
  readonly serverName: string;
}

/** The connection of one page. */
export class PageConnection implements StreamOwner, SendQueueListener, PageListener {
  readonly queue: SendQueue;
  readonly proxyHeader: Uint8Array | undefined;
  readonly #number: number;
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #shared: PageConnectionShared;
  /** Made with the first exchange: most pages have none most of the time. */
  #tableMade: StreamTable | undefined;
  readonly #reading: ReadGate;
  readonly #limiter: FrameLimiter;
  readonly #heartbeat = new Heartbeat();
  #isDraining = false;
  #isClosing = false;

  /**
   * @param number counts the gateway's WebSockets, for its log
   * @param wire the TCP connection under the WebSocket
   * @param proxyHeader what goes before each message to the server
   */
  constructor(
    number: number,
    socket: WebSocket,
    wire: Socket,
    proxyHeader: Uint8Array | undefined,
    shared: PageConnectionShared,
  ) {
    const { limits } = shared;
    this.#number = number;
    this.#socket = socket;
    this.#wire = wire;
    this.proxyHeader = proxyHeader;
    this.#shared = shared;
    this.#reading = new ReadGate(socket);
    this.#limiter = new FrameLimiter(limits);
    this.queue = new SendQueue(socket, wire, limits, this);
    listenTo(socket, this);
    this.#greet();
  }

  /** Bytes of its WebSocket so far, and of the exchanges that run. */
  get bytes(): Bytes {
    const traces = this.#running().map(({ trace }) => trace);
    return {
      pageUp: this.#wire.bytesRead,
      pageDown: this.#wire.bytesWritten,
      serverUp: traces.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      serverDown: traces.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
    };
  }

  /** Ends the follows, lets the other exchanges end, then closes. */
  drain(): void {
    this.#isDraining = true;
    const message = "the gateway is stopping; what runs may end, and nothing new begins";
    this.#sendError(this.#shuttingDown(null, message), performance.now());
    for (const stream of this.#running()) if (stream.request.isFollow) stream.cancel();
    this.#closeWhenDrained();
  }

  /** Ends what still runs, and closes. */
  abort(): void {
    this.#close(closeCodes.goingAway, "shutting-down: the gateway stopped; connect again in a moment");
  }

  /**
   * Asks the page's machine for a sign of life, and drops it when it gave none since it was last asked [G-10].
   *
   * A page that is not being read cannot answer, so it is not judged.
   */
  beat(): void {
    const isAlive = this.#heartbeat.look(this.queue.takenCount) || this.#reading.isStalled;
    if (isAlive) return this.#ping();
    // When this process itself was held up, its timers fire before it reads the pongs that have long arrived.
    setImmediate(this.guarded(() => (this.#heartbeat.isHeard ? this.#ping() : this.#drop())));
  }

  guarded<Arguments extends unknown[]>(work: (...values: Arguments) => void): (...values: Arguments) => void {
    return guard(work, (error) => this.onInternalError(error));
  }

  onInternalError(mistake: unknown): void {
    this.#close(closeCodes.internalError, "internal: the gateway made a mistake; its log has the details");
    this.#shared.log.mistake(mistake, { socket: this.#number });
  }

  onStalled(): void {
    this.#reading.stall();
  }

  onFlowing(): void {
    this.#reading.flow();
  }

  onFull(): void {
    for (const stream of this.#running()) stream.pause();
  }

  onOverfull(): void {
    this.#reading.setOverfull(true);
  }

  onFree(): void {
    try {
      this.#reading.setOverfull(false);
      for (const stream of this.#table.inTurn()) stream.resume();
    } catch (mistake) {
      this.onInternalError(mistake);
    }
  }

  onOver(stream: Stream): void {
    this.#table.remove(stream.id);
    this.#shared.accessLog.enter(this.#number, stream, this);
    this.#closeWhenDrained();
  }

  #drop(): void {
    this.#shared.log.socket({ socket: this.#number, outcome: "dead" });
    this.#socket.terminate();
  }

  #ping(): void {
    this.#heartbeat.ping(performance.now());
    this.#socket.ping();
  }

  onPong(): void {
    const tookMs = this.#heartbeat.pong(performance.now());
    if (tookMs !== undefined) this.#shared.metrics.pong(tookMs);
  }

  onError({ message }: Error): void {
    this.#shared.log.socket({ socket: this.#number, outcome: message });
  }

  #greet(): void {
    const { version, serverName, limits, pool } = this.#shared;
    this.queue.send({
      type: "hello",
      version,
      server: serverName,
      exchangesMax: limits.exchangesMax,
      serverConnectionsMax: pool.slotsMax,
      socket: this.#number,
      proxyHeaderBytes: this.proxyHeader?.length ?? 0,
    });
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    const receivedMs = performance.now();
    if (!this.#mayTake(receivedMs)) return;
    try {
      if (isBinary) this.#takeBytes(data);
      else this.#takeFrame(data.toString(), receivedMs);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#refuse(error, receivedMs);
    }
  }

  /** Counts a frame [G-4]; false when it is one too many, or comes after the closing began. */
  #mayTake(nowMs: number): boolean {
    if (this.#isClosing || this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#heartbeat.hear();
    const error = this.#limiter.take(nowMs);
    if (error === undefined) return true;
    this.#sendError(error, nowMs);
    this.#close(closeCodes.policyViolation, `${error.code}: ${error.message}`);
    return false;
  }

  #takeFrame(text: string, receivedMs: number): void {
    const frame = readFrame(text);
    switch (frame.type) {
      case "clock":
        return this.queue.send({ type: "clock", at: frame.at, gatewayAt: receivedMs });
      case "cancel":
        return this.#table.find(frame.id)?.cancel();
      case "end":
        return this.#table.findWritable(frame.id)?.end();
      case "request":
      case "raw":
        this.#table.expectNew(frame.id);
        return this.#begin(readStreamRequest(frame, receivedMs));
    }
  }

  #takeBytes(data: Uint8Array): void {
    const { id, bytes } = readBytes(data);
    this.#table.findWritable(id)?.write(bytes);
  }

  #begin(request: StreamRequest): void {
    const { id } = request;
    if (this.#isDraining) throw this.#shuttingDown(id, "the gateway is stopping; connect again in a moment");
    const stream = new Stream(request, this.#shared, this);
    this.#table.add(stream);
    stream.begin();
  }

  #refuse(error: FrameError, receivedMs: number): void {
    this.#sendError(error, receivedMs);
    if (error.id !== null) this.#table.remove(error.id);
    if (this.#limiter.forgives(error, receivedMs)) return;
    this.#close(
      closeCodes.policyViolation,
      `${error.code}: too many frames made no sense; docs/gateway-frames.md has what they look like`,
    );
  }

  #shuttingDown(id: number | null, message: string): FrameError {
    return new FrameError("shutting-down", id, message, { retryAfterMs: this.#shared.limits.retryStoppedMs });
  }

  #sendError(error: FrameError, receivedMs: number): void {
    this.#shared.metrics.frameError(error.code);
    this.queue.send(error.toFrame(receivedMs));
  }

  onPing(data: Buffer): void {
    // Pongs to a page that does not read would pile up without end, so it gets none.
    if (this.#mayTake(performance.now()) && !this.queue.isFull) this.#socket.pong(data);
  }

  #closeWhenDrained(): void {
    if (this.#isDraining && this.#running().length === 0) this.abort();
  }

  /** What runs gets its `end`, then the page gets the reason. */
  #close(code: number, reason: string): void {
    if (this.#isClosing || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#isClosing = true;
    this.onClose();
    this.#socket.close(code, Buffer.from(reason).subarray(0, closeReasonBytesMax));
    // The page's answer must be read, however much of what it wrote before is dropped.
    this.#socket.resume();
  }

  /** Nobody is left to read what the exchanges would bring. */
  onClose(): void {
    for (const stream of this.#running()) stream.cancel();
  }

  get #table(): StreamTable {
    return (this.#tableMade ??= new StreamTable(this.#shared.limits));
  }

  #running(): Stream[] {
    return this.#tableMade?.all() ?? [];
  }
}
