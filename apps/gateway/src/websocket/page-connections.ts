/** All WebSockets of a gateway: how many there may be, whether they are alive, and how they end [G-4], [G-10]. */

import { once } from "node:events";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Refusal } from "../http/origin-policy.ts";
import { PageConnection } from "./page-connection.ts";
import type { PageConnectionShared } from "./page-connection.ts";
import { closeCodes } from "./close-codes.ts";
import { FrameError } from "./frame-error.ts";
import { addBytes, noBytes } from "../telemetry/metrics.ts";
import type { Bytes, RefusalReason } from "../telemetry/metrics.ts";
import { RejectedUpgrades } from "./rejected-upgrades.ts";

/** Why a WebSocket is turned away, for the metrics, the page and the close frame. */
interface Problem {
  readonly reason: RefusalReason;
  readonly error: FrameError;
  readonly closeCode: number;
}

/** The WebSockets of one gateway. */
export class PageConnections {
  readonly #shared: PageConnectionShared;
  readonly #connections = new Map<WebSocket, PageConnection>();
  readonly #countOf = new Map<string, number>();
  readonly #rejected: RejectedUpgrades;
  readonly #heartbeat: NodeJS.Timeout;
  #number = 0;
  #isDraining = false;

  constructor(shared: PageConnectionShared) {
    this.#shared = shared;
    this.#rejected = new RejectedUpgrades(shared.limits.refusalsMax);
    this.#heartbeat = setInterval(() => this.#beat(), shared.limits.pingIntervalMs).unref();
  }

  /** WebSockets that are open. */
  get count(): number {
    return this.#connections.size;
  }

  /** Bytes of those, and of their exchanges that run. */
  get bytes(): Bytes {
    return [...this.#connections.values()].reduce((sum, connection) => addBytes(sum, connection.bytes), noBytes);
  }

  /** Why not even a WebSocket can be opened to say that there is no room. */
  refuseUpgrade(): Refusal | undefined {
    if (!this.#rejected.isFull) return undefined;
    return {
      status: 503,
      reason: "websockets",
      sentence: "too many WebSockets are being turned away; try again later",
    };
  }

  /** Takes a WebSocket in, from its opening to its end, or turns it away. */
  add(socket: WebSocket, wire: Socket, address: string, proxyHeader: Uint8Array | undefined): void {
    const problem = this.#findProblem(address);
    if (problem !== undefined) return this.#turnAway(socket, address, problem);
    const number = ++this.#number;
    this.#countOf.set(address, (this.#countOf.get(address) ?? 0) + 1);
    this.#connections.set(socket, new PageConnection(number, socket, wire, proxyHeader, this.#shared));
    this.#shared.metrics.webSocketOpened();
    this.#shared.log.socket({ socket: number, outcome: "open", address });
    socket.on("close", (code) => {
      this.#connections.delete(socket);
      this.#shared.metrics.webSocketClosed(wire.bytesRead, wire.bytesWritten);
      const left = (this.#countOf.get(address) ?? 1) - 1;
      if (left > 0) this.#countOf.set(address, left);
      else this.#countOf.delete(address);
      this.#shared.log.socket({ socket: number, outcome: `closed (${code})` });
    });
  }

  /** Why there is no room for one more from that address. */
  #findProblem(address: string): Problem | undefined {
    const { webSocketsMax, webSocketsPerAddressMax, retryFullMs, retryStoppedMs } = this.#shared.limits;
    if (this.#isDraining) {
      const message = "the gateway is stopping; connect again in a moment";
      const error = new FrameError("shutting-down", null, message, { retryAfterMs: retryStoppedMs });
      return { reason: "stopping", closeCode: closeCodes.goingAway, error };
    }
    const isFull = this.#connections.size >= webSocketsMax;
    if (!isFull && (this.#countOf.get(address) ?? 0) < webSocketsPerAddressMax) return undefined;
    const message = isFull
      ? `all ${webSocketsMax} WebSockets of this gateway are in use; try again later`
      : `${webSocketsPerAddressMax} WebSockets are open from ${address}; close one of them first`;
    const error = new FrameError("too-many-websockets", null, message, { retryAfterMs: retryFullMs });
    const reason = isFull ? "websockets" : "websockets-per-address";
    return { reason, closeCode: closeCodes.tryAgainLater, error };
  }

  #turnAway(socket: WebSocket, address: string, { reason, closeCode, error }: Problem): void {
    this.#shared.metrics.refused(reason);
    this.#shared.log.refused(address, closeCode, error.message);
    this.#rejected.tell(socket, error, closeCode);
  }

  /** True from the moment at which the gateway was told to stop. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Tells all pages, gives what runs `drainMs` to end, and resolves when no WebSocket is left. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#heartbeat);
    const closed = [...this.#connections.keys()].map((socket) => once(socket, "close"));
    for (const connection of this.#connections.values()) connection.drain();
    const deadline = setTimeout(() => {
      for (const connection of this.#connections.values()) connection.abort();
    }, this.#shared.limits.drainMs);
    await Promise.all(closed);
    clearTimeout(deadline);
  }

  #beat(): void {
    for (const connection of this.#connections.values()) connection.beat();
  }
}
