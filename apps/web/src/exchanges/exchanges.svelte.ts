/**
 * All exchanges of the page: starts them, gives each frame to its own, keeps them within bounds.
 *
 * Ids are never used twice while the page is open, although the gateway only asks for that on one connection: so a
 * record is still itself after a reconnect.
 */

import { encodeBase64 } from "@wirebook/capture";
import { decodeText, encodeFrame, encodeMessage, encodeText } from "@wirebook/protocol";
import type { AnnouncedTarget, ByteFrame, GatewayFrame, ReplyHeader } from "@wirebook/protocol";
import type { TimedText } from "../gateway/gateway-socket.ts";
import type { GatewayConnection } from "../gateway/connection.svelte.ts";
import { defaultTarget, serverName } from "../gateway/targets.ts";
import { allBytesKept, exchangesKept, ownReadsKept } from "../limits.ts";
import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";
import { Exchange } from "./exchange.svelte.ts";
import type { Intent } from "./exchange.svelte.ts";
import { hideKey, keyOf } from "./keys.ts";

/** What the failure's message begins with when the connection to the gateway was lost. */
const lostPrefix = "the gateway was lost: ";

/** Milliseconds that the drawing of an exchange waits for its end: too short to be noticed. */
const drawDelayMs = 50;

type Connection = Pick<GatewayConnection, "send" | "clock" | "hello">;

export interface Order extends Omit<Intent, "message" | "target"> {
  readonly operation?: number | undefined;
  readonly values?: readonly string[];
}

/**
 * - `unknown`: nothing has come from the server, and nothing has failed
 * - `good`: it sent bytes
 * - `silent`: it took the connection and sent nothing
 * - `failed`: it did not take the connection
 */
export type ServerHop = "unknown" | "good" | "silent" | "failed";

export interface ConnectOrder extends Omit<Intent, "message" | "target"> {
  /** What is written first. */
  readonly bytes: Uint8Array;
}

export class Exchanges {
  /** The one that the wire shows. */
  selected = $state.raw<Exchange>();
  /** The state of the hop from the gateway to the server, by the latest exchange. */
  serverHop = $state<ServerHop>("unknown");
  readonly #connection: Connection;
  /** Gets the `name~key` that the server created. */
  onKey: ((user: string, exchange: Exchange) => void) | undefined;
  /** Tells the time of the newest line of the history that is known. */
  newestTime: (() => string | undefined) | undefined;
  readonly #onHeader: (header: ReplyHeader, exchange: Exchange) => void;
  readonly #redraw = new RedrawThrottle();
  readonly #all = new Map<number, Exchange>();
  readonly #ownReads: Exchange[] = [];
  #toShow: Exchange | undefined;
  #lastId = 0;
  #droppedCount = 0;
  /** The newest exchange whose reply header has come. */
  #lastHeader = 0;
  #keptBytes = 0;

  /** @param onHeader gets the header of each reply, unless a newer exchange has had one */
  constructor(connection: Connection, onHeader: (header: ReplyHeader, exchange: Exchange) => void) {
    this.#connection = connection;
    this.#onHeader = onHeader;
  }

  get list(): readonly Exchange[] {
    this.#redraw.listen();
    return [...this.#all.values()];
  }

  get droppedCount(): number {
    this.#redraw.listen();
    return this.#droppedCount;
  }

  /** Where lines go. */
  get target(): AnnouncedTarget {
    return defaultTarget(this.#connection.hello);
  }

  /** False where the gateway has only other services: of those the page asks nothing by itself. */
  get hasServer(): boolean {
    return this.target.name === serverName;
  }

  /**
   * Starts a request; `undefined` when there is no connection.
   *
   * @throws ProtocolError as `encodeMessage`
   */
  request({ operation, values = [], ...rest }: Order): Exchange | undefined {
    const id = this.#lastId + 1;
    const intent = this.#intent(id, rest, encodeMessage(rest.user, operation, values));
    const timed = this.#connection.send({
      type: "request",
      id,
      user: rest.user,
      ...(operation === undefined ? {} : { operation }),
      ...(values.length === 0 ? {} : { arguments: [...values] }),
    });
    return timed && this.#start(new Exchange(id, intent, "request", timed));
  }

  /** Opens a stream with any bytes; `undefined` when there is no connection. */
  connect({ bytes, ...rest }: ConnectOrder): Exchange | undefined {
    const id = this.#lastId + 1;
    const { schedule, read } = rest;
    const intent = this.#intent(id, rest, decodeText(bytes));
    const { target } = intent;
    const frame = {
      type: "connect" as const,
      id,
      target: target.name,
      bytes: encodeBase64(bytes),
      end: false,
      ...(schedule === undefined ? {} : { schedule: [...schedule] }),
      ...(read === undefined ? {} : { read }),
    };
    const timed = this.#connection.send(frame);
    if (timed === undefined) return undefined;
    // A key can be read in base64 as well, so the frame is kept as it would be without one.
    const key = target.name === serverName ? keyOf(intent.message) : undefined;
    const text = encodeFrame({ ...frame, bytes: encodeBase64(encodeText(hideKey(intent.message, key))) });
    return this.#start(new Exchange(id, intent, "connect", { ...timed, text }));
  }

  /** Adds an exchange from elsewhere, under a new id. */
  adopt(create: (id: number) => Exchange): Exchange {
    const exchange = this.#start(create(this.#lastId + 1));
    this.#keptBytes += exchange.record.bytesKept;
    if (this.#keptBytes > allBytesKept) this.#releaseOldest(exchange);
    return exchange;
  }

  /**
   * Shows an exchange on the wire, unless another is chosen meanwhile. It is drawn when it is over: drawing takes longer
   * than a reply, and would be what is measured.
   */
  async show(exchange: Exchange | undefined): Promise<void> {
    const before = this.selected;
    this.#toShow = exchange;
    await exchange?.overWithin(drawDelayMs);
    if (this.#toShow === exchange && this.selected === before) this.selected = exchange;
  }

  /** Makes the gateway close the exchange's connection to the server. */
  cancel(exchange: Exchange): void {
    this.#control(exchange, "cancel");
  }

  /** Keeps the newest of the page's own reads: scrolling makes dozens. */
  keepFew(read: Exchange): void {
    this.#ownReads.push(read);
    if (this.#ownReads.length <= ownReadsKept) return;
    const oldest = this.#ownReads.shift();
    if (oldest !== undefined && oldest !== this.selected && oldest.state !== "running") this.forget(oldest);
  }

  /** Removes one that is of no more use, such as the last of many failed attempts. */
  forget(exchange: Exchange): void {
    this.#remove(exchange);
    if (this.selected === exchange) this.selected = undefined;
    this.#redraw.mark();
  }

  /** A control frame came. One that belongs to no exchange is the caller's concern: `false` is returned. */
  takeFrame(frame: GatewayFrame, timed: TimedText): boolean {
    if (frame.type === "hello" || frame.type === "clock" || frame.id === null) return false;
    const exchange = this.#all.get(frame.id);
    if (exchange?.state === "running") {
      exchange.takeFrame(frame, timed, this.#connection.clock);
      if (frame.type === "open" && this.serverHop === "failed") this.serverHop = "unknown";
      else if (frame.type === "error" && frame.hop === "gateway-server" && exchange.receivedBytes === 0)
        this.serverHop = frame.at.established === undefined ? "failed" : "silent";
      this.#noteHeader(exchange);
    }
    return true;
  }

  takeBytes(frame: ByteFrame, atMs: number): void {
    const exchange = this.#all.get(frame.id);
    if (exchange?.state !== "running") return;
    if (frame.kind === "data") this.serverHop = "good";
    const before = exchange.record.bytesKept;
    exchange.takeBytes(frame, atMs, this.#connection.clock);
    this.#keptBytes += exchange.record.bytesKept - before;
    // A conversation is over when both ends have closed it.
    if (frame.kind === "fin" && frame.isFromTarget && exchange.at.ended === undefined) this.#control(exchange, "end");
    this.#noteHeader(exchange);
    if (this.#keptBytes > allBytesKept) this.#releaseOldest(exchange);
  }

  /** The connection is lost, and with it each exchange that is running. */
  lose(reason: string): void {
    this.serverHop = "unknown";
    const atMs = performance.now();
    for (const exchange of this.#all.values()) {
      if (exchange.state !== "running") continue;
      const message = lostPrefix + reason;
      exchange.end({ kind: "failed", hop: "page-gateway", code: "gateway-lost", message }, atMs);
    }
  }

  #control(exchange: Exchange, type: "cancel" | "end"): void {
    const timed = this.#connection.send({ type, id: exchange.id });
    if (timed !== undefined) exchange.noteControl("sent", type, timed);
  }

  #intent(id: number, rest: Omit<Intent, "message" | "target">, message: string): Intent {
    const onKey = (user: string) => {
      const exchange = this.#all.get(id);
      if (exchange !== undefined) this.onKey?.(user, exchange);
    };
    return { ...rest, message, target: this.target, after: this.newestTime?.(), onKey };
  }

  #start(exchange: Exchange): Exchange {
    this.#lastId = exchange.id;
    this.#all.set(exchange.id, exchange);
    this.#keepCountBounded();
    void exchange.overWithin(drawDelayMs).then(() => this.#redraw.mark());
    return exchange;
  }

  #keepCountBounded(): void {
    if (this.#all.size <= exchangesKept) return;
    for (const exchange of this.#all.values()) {
      if (exchange.state === "running" || exchange === this.selected) continue;
      this.#remove(exchange);
      this.#droppedCount += 1;
      return;
    }
  }

  #noteHeader(exchange: Exchange): void {
    const { id, header } = exchange;
    if (header === undefined || id <= this.#lastHeader) return;
    this.#lastHeader = id;
    this.#onHeader(header, exchange);
  }

  #remove(exchange: Exchange): void {
    this.#all.delete(exchange.id);
    this.#keptBytes -= exchange.record.bytesKept;
  }

  /** The selected exchange and those that run keep their bytes. */
  #releaseOldest(growing: Exchange): void {
    for (const exchange of this.#all.values()) {
      if (this.#keptBytes <= allBytesKept) return;
      const isNeeded = exchange === growing || exchange === this.selected || exchange.state === "running";
      if (!isNeeded && exchange.record.bytesKept > 0) this.#keptBytes -= exchange.release();
    }
  }
}
