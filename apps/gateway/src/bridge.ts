/**
 * One WebSocket and the exchanges that it carries [G-2]…[G-10].
 *
 * The page's frames come in here and become relays; each relay answers through the outbox. What holds them back, in both
 * directions, is decided here: a full outbox pauses all relays of this page, a stalled relay (or an outbox that overflows
 * all the same) pauses the page. A frame that cannot be carried out is answered with an `error`; the WebSocket is closed
 * only on a page that goes on with it.
 */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Books } from "./books.ts";
import { closeCodes } from "./close-codes.ts";
import { closeReasonBytesMax } from "./limits.ts";
import { FrameAllowance } from "./frame-allowance.ts";
import { FrameError } from "./frame-error.ts";
import { guard } from "./guard.ts";
import type { Log } from "./log.ts";
import type { Bytes, Metrics } from "./metrics.ts";
import { Outbox } from "./outbox.ts";
import type { OutboxListener } from "./outbox.ts";
import { readBytes, readFrame, readOpening } from "./page-frames.ts";
import { listenTo } from "./page-listeners.ts";
import type { PageListener } from "./page-listeners.ts";
import { PageReading } from "./page-reading.ts";
import { Pulse } from "./pulse.ts";
import { Relay } from "./relay.ts";
import type { Opening, RelayOwner, RelayShared } from "./relay.ts";
import { Relays } from "./relays.ts";
import { mindExchanges } from "./young-generation.ts";

/** What all bridges of a gateway share. */
export interface BridgeShared extends RelayShared {
  readonly books: Books;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly version: string;
  /** The server as `host:port`. */
  readonly serverName: string;
}

/** The connection of one page. */
export class Bridge implements RelayOwner, OutboxListener, PageListener {
  readonly outbox: Outbox;
  readonly preamble: Uint8Array | undefined;
  readonly #number: number;
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #shared: BridgeShared;
  /** Made with the first exchange: most pages have none most of the time. */
  #relaysMade: Relays | undefined;
  readonly #reading: PageReading;
  readonly #allowance: FrameAllowance;
  readonly #pulse = new Pulse();
  #isDraining = false;
  #isClosing = false;

  /**
   * @param number counts the gateway's WebSockets, for its log
   * @param wire the TCP connection under the WebSocket
   * @param preamble what goes before each message to the server
   */
  constructor(number: number, socket: WebSocket, wire: Socket, preamble: Uint8Array | undefined, shared: BridgeShared) {
    const { limits } = shared;
    this.#number = number;
    this.#socket = socket;
    this.#wire = wire;
    this.preamble = preamble;
    this.#shared = shared;
    this.#reading = new PageReading(socket);
    this.#allowance = new FrameAllowance(limits);
    this.outbox = new Outbox(socket, wire, limits, this);
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
    for (const relay of this.#running()) if (relay.opening.isFollow) relay.cancel();
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
    const isAlive = this.#pulse.look(this.outbox.takenCount) || this.#reading.isStalled;
    if (isAlive) return this.#ping();
    // When this process itself was held up, its timers fire before it reads the pongs that have long arrived.
    setImmediate(this.guarded(() => (this.#pulse.isHeard ? this.#ping() : this.#drop())));
  }

  guarded<Arguments extends unknown[]>(work: (...values: Arguments) => void): (...values: Arguments) => void {
    return guard(work, (error) => this.onMistake(error));
  }

  onMistake(mistake: unknown): void {
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
    for (const relay of this.#running()) relay.pause();
  }

  onOverfull(): void {
    this.#reading.setOverfull(true);
  }

  onRoom(): void {
    try {
      this.#reading.setOverfull(false);
      for (const relay of this.#relays.inTurn()) relay.resume();
    } catch (mistake) {
      this.onMistake(mistake);
    }
  }

  onOver(relay: Relay): void {
    this.#relays.remove(relay.id);
    this.#shared.books.enter(this.#number, relay, this);
    this.#closeWhenDrained();
  }

  #drop(): void {
    this.#shared.log.socket({ socket: this.#number, outcome: "dead" });
    this.#socket.terminate();
  }

  #ping(): void {
    this.#pulse.ping(performance.now());
    this.#socket.ping();
  }

  onPong(): void {
    const tookMs = this.#pulse.pong(performance.now());
    if (tookMs !== undefined) this.#shared.metrics.pong(tookMs);
  }

  onError({ message }: Error): void {
    this.#shared.log.socket({ socket: this.#number, outcome: message });
  }

  #greet(): void {
    const { version, serverName, limits, slots } = this.#shared;
    this.outbox.send({
      type: "hello",
      version,
      server: serverName,
      exchangesMax: limits.exchangesMax,
      serverConnectionsMax: slots.slotsMax,
      socket: this.#number,
      proxyHeaderBytes: this.preamble?.length ?? 0,
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
    this.#pulse.hear();
    const error = this.#allowance.take(nowMs);
    if (error === undefined) return true;
    this.#sendError(error, nowMs);
    this.#close(closeCodes.policyViolation, `${error.code}: ${error.message}`);
    return false;
  }

  #takeFrame(text: string, receivedMs: number): void {
    const frame = readFrame(text);
    switch (frame.type) {
      case "clock":
        return this.outbox.send({ type: "clock", at: frame.at, gatewayAt: receivedMs });
      case "cancel":
        return this.#relays.find(frame.id)?.cancel();
      case "end":
        return this.#relays.findWritable(frame.id)?.end();
      case "request":
      case "raw":
        this.#relays.expectNew(frame.id);
        return this.#begin(readOpening(frame, receivedMs));
    }
  }

  #takeBytes(data: Uint8Array): void {
    const { id, bytes } = readBytes(data);
    this.#relays.findWritable(id)?.write(bytes);
  }

  #begin(opening: Opening): void {
    const { id } = opening;
    if (this.#isDraining) throw this.#shuttingDown(id, "the gateway is stopping; connect again in a moment");
    const relay = new Relay(opening, this.#shared, this);
    this.#relays.add(relay);
    relay.begin();
    mindExchanges(this.#shared.slots.runningCount);
  }

  #refuse(error: FrameError, receivedMs: number): void {
    this.#sendError(error, receivedMs);
    if (error.id !== null) this.#relays.remove(error.id);
    if (this.#allowance.forgives(error, receivedMs)) return;
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
    this.outbox.send(error.toFrame(receivedMs));
  }

  onPing(data: Buffer): void {
    // Pongs to a page that does not read would pile up without end, so it gets none.
    if (this.#mayTake(performance.now()) && !this.outbox.isFull) this.#socket.pong(data);
  }

  #closeWhenDrained(): void {
    if (this.#isDraining && this.#running().length === 0) this.abort();
  }

  /** What runs gets its `end`, then the page gets the reason. */
  #close(code: number, reason: string): void {
    if (this.#isClosing || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#isClosing = true;
    this.onClose();
    this.outbox.flush();
    this.#socket.close(code, Buffer.from(reason).subarray(0, closeReasonBytesMax));
    // The page's answer must be read, however much of what it wrote before is dropped.
    this.#socket.resume();
  }

  /** Nobody is left to read what the exchanges would bring. */
  onClose(): void {
    for (const relay of this.#running()) relay.cancel();
  }

  get #relays(): Relays {
    return (this.#relaysMade ??= new Relays(this.#shared.limits));
  }

  #running(): Relay[] {
    return this.#relaysMade?.all() ?? [];
  }
}
