/** All WebSockets of a gateway: how many there may be, whether they are alive, and how they end [G-4], [G-10]. */

import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Refusal } from "./admission.ts";
import { Bridge } from "./bridge.ts";
import type { BridgeShared } from "./bridge.ts";

/** The WebSockets of one gateway. */
export class Sockets {
  readonly #shared: BridgeShared;
  readonly #bridges = new Map<WebSocket, Bridge>();
  readonly #countOf = new Map<string, number>();
  readonly #heartbeat: NodeJS.Timeout;
  #number = 0;
  #isDraining = false;

  constructor(shared: BridgeShared) {
    this.#shared = shared;
    this.#heartbeat = setInterval(() => this.#beat(), shared.limits.pingIntervalMs).unref();
  }

  /** Whether there is room for one more from that address. */
  refuse(address: string): Refusal | undefined {
    const { webSocketsMax, webSocketsPerAddressMax } = this.#shared.limits;
    if (this.#isDraining) return { status: 503, sentence: "this gateway is stopping; connect again in a moment" };
    if (this.#bridges.size >= webSocketsMax) {
      return { status: 503, sentence: `all ${webSocketsMax} WebSockets of this gateway are in use; try again later` };
    }
    if ((this.#countOf.get(address) ?? 0) < webSocketsPerAddressMax) return undefined;
    const sentence = `${webSocketsPerAddressMax} WebSockets are open from ${address}; close one before you open another`;
    return { status: 429, sentence };
  }

  /** Takes a WebSocket in, from its opening to its end. */
  add(socket: WebSocket, wire: Duplex, address: string): void {
    const number = ++this.#number;
    this.#countOf.set(address, (this.#countOf.get(address) ?? 0) + 1);
    this.#bridges.set(socket, new Bridge(number, socket, wire, this.#shared));
    this.#shared.log.socket({ socket: number, outcome: "open", address });
    socket.on("close", (code) => {
      this.#bridges.delete(socket);
      const left = (this.#countOf.get(address) ?? 1) - 1;
      if (left > 0) this.#countOf.set(address, left);
      else this.#countOf.delete(address);
      this.#shared.log.socket({ socket: number, outcome: `closed (${code})` });
    });
  }

  /** Tells all pages, gives what runs `drainMs` to end, and resolves when no WebSocket is left. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#heartbeat);
    const closed = [...this.#bridges.keys()].map((socket) => once(socket, "close"));
    for (const bridge of this.#bridges.values()) bridge.drain();
    const deadline = setTimeout(() => {
      for (const bridge of this.#bridges.values()) bridge.abort();
    }, this.#shared.limits.drainMs);
    await Promise.all(closed);
    clearTimeout(deadline);
  }

  #beat(): void {
    for (const bridge of this.#bridges.values()) bridge.beat();
  }
}
