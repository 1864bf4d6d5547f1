/**
 * All exchanges of the page: begins them, gives each frame to its own, keeps them within bounds.
 *
 * Ids are never used twice while the page is open, although the gateway only asks for that on one connection: so a
 * record is still itself after a reconnect.
 */

import { decodeText, encodeFrame, encodeMessage, encodeText } from "@wirebook/protocol";
import type { ReplyHeader, GatewayFrame } from "@wirebook/protocol";
import type { TimedFrame } from "../gateway/gateway-socket.ts";
import type { GatewayConnection } from "../gateway/connection.svelte.ts";
import { allBytesKept, drawDelayMs, exchangesKept, ownReadsKept } from "../limits.ts";
import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";
import { Exchange } from "./exchange.svelte.ts";
import type { Intent } from "./intent.ts";
import { hideKey, keyOf } from "./secrets.ts";

/** A request to make. */
export interface Order extends Omit<Intent, "message"> {
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

/** Bytes to send, as they are. */
export interface RawOrder extends Omit<Intent, "message"> {
  readonly bytes: Uint8Array;
}

export class Exchanges {
  /** The one that the wire shows. */
  selected = $state.raw<Exchange>();
  /** What the latest exchange has shown of the hop from the gateway to the server. */
  serverHop = $state<ServerHop>("unknown");
  readonly #connection: Pick<GatewayConnection, "send" | "clock">;
  /** Told of the `name~key` that an exchange of the user's was answered. */
  onKey: ((user: string, exchange: Exchange) => void) | undefined;
  /** Tells the time of the newest line of the history that is known. */
  newestTime: (() => string | undefined) | undefined;
  readonly #onBeginning: (beginning: ReplyHeader, exchange: Exchange) => void;
  readonly #pulse = new RedrawThrottle();
  readonly #all = new Map<number, Exchange>();
  readonly #ownReads: Exchange[] = [];
  #toShow: Exchange | undefined;
  #lastId = 0;
  #droppedCount = 0;
  /** The newest exchange whose reply has told what the server can do. */
  #lastBeginning = 0;
  /** Bytes of payload in memory, of all exchanges. */
  #keptBytes = 0;

  /** @param onBeginning told with every reply what the server can do */
  constructor(
    connection: Pick<GatewayConnection, "send" | "clock">,
    onBeginning: (beginning: ReplyHeader, exchange: Exchange) => void,
  ) {
    this.#connection = connection;
    this.#onBeginning = onBeginning;
  }

  /** Those that are kept, the oldest first. */
  get list(): readonly Exchange[] {
    this.#pulse.listen();
    return [...this.#all.values()];
  }

  /** Exchanges that went to make room. */
  get droppedCount(): number {
    this.#pulse.listen();
    return this.#droppedCount;
  }

  /**
   * Begins a request; `undefined` when there is no connection.
   *
   * @throws ProtocolError as `encodeMessage`
   */
  request({ operation, values = [], ...rest }: Order): Exchange | undefined {
    const id = this.#lastId + 1;
    const intent = this.#intent(id, rest, encodeMessage(rest.user, operation, values));
    const carried = this.#connection.send({
      type: "request",
      id,
      user: rest.user,
      ...(operation === undefined ? {} : { operation }),
      ...(values.length === 0 ? {} : { arguments: [...values] }),
    });
    return carried && this.#begin(new Exchange(id, intent, "request", carried));
  }

  /** Sends any bytes at all, and leaves it to the server what to make of them; `undefined` without a connection. */
  raw({ bytes, ...rest }: RawOrder): Exchange | undefined {
    const id = this.#lastId + 1;
    const { plan, read } = rest;
    const frame = {
      type: "raw" as const,
      id,
      bytes: base64(bytes),
      end: false,
      ...(plan === undefined ? {} : { plan: [...plan] }),
      ...(read === undefined ? {} : { read }),
    };
    const carried = this.#connection.send(frame);
    if (carried === undefined) return undefined;
    const message = decodeText(bytes);
    // A key can be read in base64 as well, so the frame is kept as it would be without one.
    const payload = encodeFrame({ ...frame, bytes: base64(encodeText(hideKey(message, keyOf(message)))) });
    return this.#begin(new Exchange(id, this.#intent(id, rest, message), "raw", { ...carried, payload }));
  }

  /** Takes in an exchange that happened elsewhere, under an id of its own. */
  adopt(create: (id: number) => Exchange): Exchange {
    const exchange = this.#begin(create(this.#lastId + 1));
    this.#keptBytes += exchange.frames.keptBytes;
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

  /** Asks the gateway to close the exchange's connection to the server. */
  cancel(exchange: Exchange): void {
    const carried = this.#connection.send({ type: "cancel", id: exchange.id });
    if (carried !== undefined) exchange.noteSent("cancel", carried);
  }

  /** Keeps the newest of the page's own reads, which come by the dozen while somebody scrolls. */
  keepFew(read: Exchange): void {
    this.#ownReads.push(read);
    if (this.#ownReads.length <= ownReadsKept) return;
    const oldest = this.#ownReads.shift();
    if (oldest !== undefined && oldest !== this.selected && oldest.state !== "running") this.forget(oldest);
  }

  /** Removes one that is of no use to anybody, such as the last of many failed attempts. */
  forget(exchange: Exchange): void {
    this.#remove(exchange);
    if (this.selected === exchange) this.selected = undefined;
    this.#pulse.mark();
  }

  /** A control frame came. One that belongs to no exchange is the caller's concern: `false` is returned. */
  takeFrame(frame: GatewayFrame, carried: TimedFrame): boolean {
    if (frame.type === "hello" || frame.type === "clock" || frame.id === null) return false;
    const exchange = this.#all.get(frame.id);
    if (exchange?.state === "running") {
      exchange.takeFrame(frame, carried, this.#connection.clock);
      if (frame.type === "open" && this.serverHop === "failed") this.serverHop = "unknown";
      else if (frame.type === "error" && frame.hop === "gateway-server" && exchange.receivedBytes === 0)
        this.serverHop = frame.at.established === undefined ? "failed" : "silent";
      this.#noteBeginning(exchange);
    }
    return true;
  }

  /** Bytes came. */
  takeBytes(id: number, bytes: Uint8Array, carried: TimedFrame): void {
    const exchange = this.#all.get(id);
    if (exchange?.state !== "running") return;
    this.serverHop = "good";
    const before = exchange.frames.keptBytes;
    exchange.takeBytes(bytes, carried);
    this.#keptBytes += exchange.frames.keptBytes - before;
    this.#noteBeginning(exchange);
    if (this.#keptBytes > allBytesKept) this.#releaseOldest(exchange);
  }

  /** The connection is lost, and with it whatever was under way. */
  lose(words: string): void {
    this.serverHop = "unknown";
    const atMs = performance.now();
    for (const exchange of this.#all.values()) {
      if (exchange.state === "running") exchange.lose(words, atMs);
    }
  }

  #intent(id: number, rest: Omit<Intent, "message">, message: string): Intent {
    const onKey = (user: string) => {
      const exchange = this.#all.get(id);
      if (exchange !== undefined) this.onKey?.(user, exchange);
    };
    return { ...rest, message, after: this.newestTime?.(), onKey };
  }

  #begin(exchange: Exchange): Exchange {
    this.#lastId = exchange.id;
    this.#all.set(exchange.id, exchange);
    this.#keepCountBounded();
    void exchange.overWithin(drawDelayMs).then(() => this.#pulse.mark());
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

  #noteBeginning(exchange: Exchange): void {
    const { id, beginning } = exchange;
    if (beginning === undefined || id <= this.#lastBeginning) return;
    this.#lastBeginning = id;
    this.#onBeginning(beginning, exchange);
  }

  #remove(exchange: Exchange): void {
    this.#all.delete(exchange.id);
    this.#keptBytes -= exchange.frames.keptBytes;
  }

  /** The one that is looked at and the one that is growing keep their bytes. */
  #releaseOldest(growing: Exchange): void {
    for (const exchange of this.#all.values()) {
      if (this.#keptBytes <= allBytesKept) return;
      const isNeeded = exchange === growing || exchange === this.selected || exchange.state === "running";
      if (!isNeeded && exchange.frames.keptBytes > 0) this.#keptBytes -= exchange.release();
    }
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
