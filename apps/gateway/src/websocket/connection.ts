/**
 * One WebSocket of a client: whether it is alive, when it is read, how it closes [G-9], [G-10]. What a listener throws ends it
 * and no other. All share one set of listeners: with a set for each, an idle one would need half as much memory again.
 */

import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import type { Capture } from "@wirebook/capture";
import type { Target } from "@wirebook/net";
import type { Identity } from "../auth/identity.ts";
import type { FrameLog } from "../flows/frame-log.ts";
import type { ListeningPorts } from "../flows/listening-port.ts";
import type { Presentations } from "../flows/presentations.ts";
import type { Lessons } from "../lessons/lessons.ts";
import type { GatewayLimits } from "../limits.ts";
import type { ConnectionPool } from "../streams/connection-pool.ts";
import type { Stream, StreamEnd } from "../streams/stream.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { SendQueue, type SendQueueListener } from "./send-queue.ts";

/** The codes with which the gateway closes a WebSocket (RFC 6455, section 7.4.1, and the IANA registry). */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  tooBig: 1009,
  policyViolation: 1008,
  internalError: 1011,
  tryAgainLater: 1013,
  /** Of the codes for private use: whoever is there must log in [G-14]. */
  loginNeeded: 4001,
} as const;

/** A close frame has 125 bytes, two of them for the code (RFC 6455, section 5.5). */
export function closeWebSocket(webSocket: WebSocket, code: number, reason: string): void {
  webSocket.close(code, Buffer.from(reason).subarray(0, 123));
}

/** Milliseconds without a byte before the kernel probes whether a client's machine is there: each second, up to ten times. */
const probeMs = 10_000;
/** Beats from one ping to the next while a target stalls. */
const stalledBeatsForPing = 4;
const noBytes = new Uint8Array(0);

export interface ConnectionShared {
  readonly limits: GatewayLimits;
  /** By name, `wirebook` first where there is one. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly pool: ConnectionPool;
  readonly capture: Capture | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly version: string;
  readonly flowLog: FrameLog;
  readonly presentations: Presentations;
  readonly listening: ListeningPorts;
  readonly lessons: Lessons;
  /** Why a user who came in may not stay, given when a target was last used; `undefined` where there is no reason. */
  whyEnded(identity: Identity, usedMs: number): string | undefined;
}

/** A client that has just connected. */
export interface Client {
  readonly number: number;
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly address: string;
  readonly identity: Identity;
  readonly mayWatch: boolean;
  /** Goes before everything else to targets that want it [W-20]. */
  readonly proxyHeader: Uint8Array | undefined;
}

export abstract class WebSocketConnection implements SendQueueListener {
  readonly client: Client;
  readonly queue: SendQueue;
  protected readonly shared: ConnectionShared;
  /** Those that run by their ids, oldest first. */
  protected readonly streams = new Map<number, Stream>();
  /** When the client last sent something for a target, on the monotonic clock. */
  protected usedMs = 0;
  #isClosing = false;
  #isHeard = true;
  #missedPings = 0;
  #pingedMs: number | undefined;
  #stalledBeats = 0;
  #stalledCount = 0;
  #isOverfull = false;
  #turns = 0;

  constructor(client: Client, shared: ConnectionShared) {
    const { webSocket, socket } = client;
    this.client = client;
    this.shared = shared;
    this.queue = new SendQueue(webSocket, socket, shared.limits, this);
    connectionOf.set(webSocket, this);
    webSocket.on("message", onMessage).on("ping", onPing).on("pong", onPong).on("close", onClose).on("error", onError);
  }

  abstract onOpen(stream: Stream): void;
  abstract onWritten(stream: Stream, byteCount: number, atMs: number): void;
  /** The bytes of one read, which are only lent: the memory is read into again after the call. */
  abstract onRead(stream: Stream, bytes: Uint8Array, atMs: number): void;
  abstract onFin(stream: Stream, isFromTarget: boolean, atMs: number): void;
  /** Nothing of the stream follows. `retryAfterMs` when trying again helps. */
  abstract onOver(stream: Stream, outcome: StreamEnd, retryAfterMs?: number): void;

  protected abstract take(data: Buffer, isBinary: boolean, nowMs: number): void;

  /** Counts a frame [G-4]; false when it is one too many, and the WebSocket is being closed for that. */
  protected abstract admit(nowMs: number): boolean;

  /** Pings without a sign of life before a client is dropped, besides the last one. */
  protected get missedPingsMax(): number {
    return 0;
  }

  /** The kernel has taken everything that was sent. */
  protected abstract onEmpty(): void;

  /** No further message comes: the WebSocket has closed, or is closing. */
  abstract onGone(): void;

  /** The gateway stops: what may take any time is ended, then the rest by itself, then the WebSocket. */
  abstract drain(): void;

  get streamCount(): number {
    return this.streams.size;
  }

  abort(): void {
    this.close(closeCodes.goingAway, "shutting-down: the gateway stopped; connect again in a moment");
  }

  /** Closes when the one who authenticated may not stay [G-14]. */
  closeEnded(): void {
    const why = this.shared.whyEnded(this.client.identity, this.usedMs);
    if (why !== undefined) this.close(closeCodes.loginNeeded, `login-needed: ${why}; log in again`);
  }

  /** Pings the client, and drops it when it, or its machine, showed no sign of life since the last ping [G-10]. */
  beat(): void {
    if (this.#stalledCount > 0) return this.#beatStalled();
    if (this.#stalledBeats > 0) this.client.socket.setKeepAlive(false);
    this.#stalledBeats = 0;
    this.#missedPings = this.#isHeard ? 0 : this.#missedPings + 1;
    this.#isHeard = false;
    if (this.#missedPings <= this.missedPingsMax) return this.#ping();
    // When this process was blocked, its timers fire before it reads the pongs that arrived meanwhile.
    setImmediate(() => (this.#isHeard ? this.#ping() : this.#drop()));
  }

  /**
   * A client whose frames are not being read cannot answer. The kernel's probes tell whether its machine is there, and an empty
   * write what they found. Where it is, a ping meets a reset if the client has gone. One that meets no machine would end the
   * probes, which are sent while nothing is on its way, so there are few.
   */
  #beatStalled(): void {
    const { socket } = this.client;
    if (this.#stalledBeats === 0) socket.setKeepAlive(true, probeMs);
    this.#stalledBeats += 1;
    if (this.#stalledBeats % stalledBeatsForPing === 0) this.#ping();
    else socket.write(noBytes);
  }

  #ping(): void {
    this.#pingedMs = performance.now();
    this.client.webSocket.ping();
  }

  #drop(): void {
    this.shared.log.socket({ socket: this.client.number, outcome: "dead" });
    this.client.webSocket.terminate();
  }

  /** So many bytes wait for a target that the client must not send more for now, or no longer. */
  onStalled(isStalled: boolean): void {
    this.#stalledCount += isStalled ? 1 : -1;
    this.#readOrWait();
  }

  onFull(): void {
    for (const stream of this.streams.values()) stream.connection.pause();
  }

  onOverfull(): void {
    this.#isOverfull = true;
    this.#readOrWait();
  }

  onFree(): void {
    this.#isOverfull = false;
    this.#readOrWait();
    this.#resumeInTurn();
  }

  onTaken(): void {
    this.#isHeard = true;
    if (this.queue.waitingBytes === 0) this.onEmpty();
  }

  /**
   * Another stream goes first each time, with a turn of the event loop to itself; then two more go on, then four. If all went
   * on at once, the kernel would report them in the same order, and the first ones would fill the queue.
   */
  #resumeInTurn(): void {
    const streams = [...this.streams.values()];
    const turn = ++this.#turns;
    const first = turn % Math.max(1, streams.length);
    const waiting = [...streams.slice(first), ...streams.slice(0, first)];
    const resume = (count: number): void => {
      if (turn !== this.#turns || this.queue.isFull) return;
      for (const stream of waiting.splice(0, count)) stream.connection.resume();
      if (waiting.length > 0) this.#inNextTurn(() => resume(count * 2));
    };
    resume(1);
  }

  /** The client is not read while too much waits for a target, nor while too much waits for the client itself [G-9]. */
  #readOrWait(): void {
    const { webSocket } = this.client;
    if (this.#stalledCount > 0 || this.#isOverfull) webSocket.pause();
    else if (webSocket.isPaused) webSocket.resume();
  }

  protected add(stream: Stream): void {
    this.streams.set(stream.id, stream);
    this.shared.metrics.began(stream.record);
  }

  /** A stream is over. Metrics and log wait until the frames of this turn have left, because the client waits for those. */
  protected remove(stream: Stream): void {
    const { metrics, log } = this.shared;
    const { number, identity } = this.client;
    this.streams.delete(stream.id);
    this.#inNextTurn(() => {
      metrics.stream(stream);
      log.stream(number, identity.user, stream);
    });
  }

  /** An error there closes this WebSocket, not the gateway. */
  #inNextTurn(act: () => void): void {
    setImmediate(() => {
      try {
        act();
      } catch (error) {
        this.onInternalError(error);
      }
    });
  }

  /** Closes the WebSocket, after the streams that run were ended. */
  protected close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.#isClosing = true;
    this.onGone();
    closeWebSocket(this.client.webSocket, code, reason);
    // The client's close frame must be read, and what it sent before is dropped.
    this.client.webSocket.resume();
  }

  onInternalError(error: unknown): void {
    this.close(closeCodes.internalError, "internal: an error in the gateway; see its log");
    this.shared.log.internalError(error, { socket: this.client.number });
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    const nowMs = performance.now();
    if (this.#isAdmitted(nowMs)) this.take(data, isBinary, nowMs);
  }

  onPing(data: Buffer): void {
    // Pongs to a client that does not read would fill the memory, so it gets none; the queue's own mark knows no pongs.
    const isFull = this.queue.isFull || this.queue.waitingBytes > this.shared.limits.highWaterBytes;
    if (this.#isAdmitted(performance.now()) && !isFull) this.client.webSocket.pong(data);
  }

  onPong(): void {
    this.#isHeard = true;
    if (this.#pingedMs !== undefined) this.shared.metrics.pong(performance.now() - this.#pingedMs);
    this.#pingedMs = undefined;
  }

  onError({ message }: Error): void {
    this.shared.log.socket({ socket: this.client.number, outcome: message });
  }

  get #isOpen(): boolean {
    const { webSocket } = this.client;
    return !this.#isClosing && webSocket.readyState === webSocket.OPEN;
  }

  #isAdmitted(nowMs: number): boolean {
    if (!this.#isOpen) return false;
    this.#isHeard = true;
    return this.admit(nowMs);
  }
}

const connectionOf = new WeakMap<WebSocket, WebSocketConnection>();

function guarded<Args extends unknown[]>(call: (connection: WebSocketConnection, ...args: Args) => void) {
  return function (this: WebSocket, ...args: Args): void {
    const connection = connectionOf.get(this) as WebSocketConnection;
    try {
      call(connection, ...args);
    } catch (error) {
      connection.onInternalError(error);
    }
  };
}

// With the default binary type of `ws` a message is a Buffer.
const onMessage = guarded((connection, data: RawData, isBinary: boolean) =>
  connection.onMessage(data as Buffer, isBinary),
);
const onPing = guarded((connection, data: Buffer) => connection.onPing(data));
const onPong = guarded((connection) => connection.onPong());
const onClose = guarded((connection) => connection.onGone());
const onError = guarded((connection, error: Error) => connection.onError(error));
