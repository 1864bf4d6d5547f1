/**
 * One WebSocket and the exchanges that it carries [G-2]…[G-10].
 *
 * The page's frames come in here and become streams; each stream answers through the queue. Backpressure, in both
 * directions, is decided here: a full queue pauses all streams of this page, a stalled stream (or a queue that overflows
 * even so) pauses the page. A frame that is refused is answered with an `error`; the WebSocket is closed only on a page
 * that goes on sending such frames.
 */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { Stream } from "../streams/stream.ts";
import type { StreamOwner, StreamRequest, StreamShared } from "../streams/stream.ts";
import { StreamTable } from "../streams/stream-table.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { Bytes, Metrics } from "../telemetry/metrics.ts";
import { closeCodes, closeWebSocket, FrameError } from "./errors.ts";
import { guard, listenTo } from "./guarded-listeners.ts";
import type { PageListener } from "./guarded-listeners.ts";
import { Heartbeat } from "./heartbeat.ts";
import { readBytes, readFrame, readStreamRequest } from "./page-frames.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { ReadGate } from "./read-gate.ts";
import { SendQueue } from "./send-queue.ts";
import type { SendQueueListener } from "./send-queue.ts";

/** What all connections of a gateway share. */
export interface PageConnectionShared extends StreamShared {
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
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #shared: PageConnectionShared;
  /** Created with the first exchange: an idle page has none. */
  #createdTable: StreamTable | undefined;
  readonly #readGate: ReadGate;
  readonly #limiter: RateLimiter;
  readonly #heartbeat = new Heartbeat();
  #isDraining = false;
  #isClosing = false;

  /**
   * @param number counts the gateway's WebSockets, for its log
   * @param socket the TCP connection under the WebSocket
   * @param proxyHeader is sent before each message to the server
   */
  constructor(
    number: number,
    webSocket: WebSocket,
    socket: Socket,
    proxyHeader: Uint8Array | undefined,
    shared: PageConnectionShared,
  ) {
    const { limits } = shared;
    this.#number = number;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.proxyHeader = proxyHeader;
    this.#shared = shared;
    this.#readGate = new ReadGate(webSocket);
    this.#limiter = new RateLimiter(limits);
    this.queue = new SendQueue(webSocket, socket, limits, this);
    listenTo(webSocket, this);
    this.#greet();
  }

  /** Bytes of its WebSocket so far, and of the exchanges that run. */
  get bytes(): Bytes {
    const traces = this.#running().map(({ trace }) => trace);
    return {
      pageUp: this.#socket.bytesRead,
      pageDown: this.#socket.bytesWritten,
      serverUp: traces.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      serverDown: traces.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
    };
  }

  /** Cancels the follows, lets the other exchanges end, then closes. */
  drain(): void {
    this.#isDraining = true;
    const message = "the gateway is stopping; running exchanges may end, and new ones are refused";
    this.#sendError(this.#shuttingDown(null, message), performance.now());
    for (const stream of this.#running()) if (stream.request.isFollow) stream.cancel();
    this.#closeWhenDrained();
  }

  /** Cancels the running exchanges, and closes. */
  abort(): void {
    this.#close(closeCodes.goingAway, "shutting-down: the gateway stopped; connect again in a moment");
  }

  /**
   * Pings the page, and drops it when it showed no sign of life since the last ping [G-10].
   *
   * A page whose frames are not being read cannot answer, so it counts as alive.
   */
  beat(): void {
    const isAlive = this.#heartbeat.check(this.queue.takenCount) || this.#readGate.isStalled;
    if (isAlive) return this.#ping();
    // When this process was blocked, its timers fire before it reads the pongs that arrived meanwhile.
    setImmediate(() => guard(this, () => (this.#heartbeat.isHeard ? this.#ping() : this.#drop())));
  }

  onInternalError(error: unknown): void {
    this.#close(closeCodes.internalError, "internal: an error in the gateway; see its log");
    this.#shared.log.internalError(error, { socket: this.#number });
  }

  onStalled(): void {
    this.#readGate.stall();
  }

  onFlowing(): void {
    this.#readGate.flow();
  }

  onFull(): void {
    for (const stream of this.#running()) stream.pause();
  }

  onOverfull(): void {
    this.#readGate.setOverfull(true);
  }

  onFree(): void {
    guard(this, () => {
      this.#readGate.setOverfull(false);
      for (const stream of this.#table.inTurn()) stream.resume();
    });
  }

  onOver(stream: Stream): void {
    this.#table.remove(stream.id);
    this.#record(stream);
    this.#closeWhenDrained();
  }

  /** Metrics and log wait until the frames of this turn have left, because the page waits for those. */
  #record(stream: Stream): void {
    const { metrics, log } = this.#shared;
    metrics.bytesCarried(stream.trace);
    setImmediate(() =>
      guard(this, () => {
        metrics.exchange(stream);
        log.exchange(this.#number, stream);
      }),
    );
  }

  #drop(): void {
    this.#shared.log.socket({ socket: this.#number, outcome: "dead" });
    this.#webSocket.terminate();
  }

  #ping(): void {
    this.#heartbeat.ping(performance.now());
    this.#webSocket.ping();
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
    if (!this.#admit(receivedMs)) return;
    try {
      if (isBinary) this.#takeBytes(data);
      else this.#takeFrame(data.toString(), receivedMs);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#refuse(error, receivedMs);
    }
  }

  /** Counts a frame [G-4]; false when it is one too many, or comes after the close. */
  #admit(nowMs: number): boolean {
    if (this.#isClosing || this.#webSocket.readyState !== this.#webSocket.OPEN) return false;
    this.#heartbeat.touch();
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
        return this.#start(readStreamRequest(frame, receivedMs));
    }
  }

  #takeBytes(data: Uint8Array): void {
    const { id, bytes } = readBytes(data);
    this.#table.findWritable(id)?.write(bytes);
  }

  #start(request: StreamRequest): void {
    const { id } = request;
    if (this.#isDraining) throw this.#shuttingDown(id, "the gateway is stopping; connect again in a moment");
    const stream = new Stream(request, this.#shared, this);
    this.#table.add(stream);
    stream.start();
  }

  #refuse(error: FrameError, receivedMs: number): void {
    this.#sendError(error, receivedMs);
    if (error.id !== null) this.#table.remove(error.id);
    if (this.#limiter.allowsFault(error, receivedMs)) return;
    this.#close(closeCodes.policyViolation, `${error.code}: too many faulty frames; see docs/gateway-frames.md`);
  }

  #shuttingDown(id: number | null, message: string): FrameError {
    return new FrameError("shutting-down", id, message, { retryAfterMs: this.#shared.limits.retryStoppedMs });
  }

  #sendError(error: FrameError, receivedMs: number): void {
    this.#shared.metrics.frameError(error.code);
    this.queue.send(error.toFrame(receivedMs));
  }

  onPing(data: Buffer): void {
    // Pongs to a page that does not read would fill the memory, so it gets none.
    if (this.#admit(performance.now()) && !this.queue.isFull) this.#webSocket.pong(data);
  }

  #closeWhenDrained(): void {
    if (this.#isDraining && this.#running().length === 0) this.abort();
  }

  /** The running exchanges get their `end`, then the page gets the reason. */
  #close(code: number, reason: string): void {
    if (this.#isClosing || this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    this.#isClosing = true;
    this.onClose();
    closeWebSocket(this.#webSocket, code, reason);
    // The page's close frame must be read, and what it sent before is dropped.
    this.#webSocket.resume();
  }

  /** The page can read no more replies. */
  onClose(): void {
    for (const stream of this.#running()) stream.cancel();
  }

  get #table(): StreamTable {
    return (this.#createdTable ??= new StreamTable(this.#shared.limits));
  }

  #running(): Stream[] {
    return this.#createdTable?.all() ?? [];
  }
}
