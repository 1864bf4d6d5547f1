/**
 * All WebSockets of a gateway: how many there may be, whether they are alive, and how they end [G-4], [G-10].
 *
 * A browser does not show its page why an upgrade is refused. So a WebSocket for which there is no capacity is accepted, told
 * why, and closed. What it sends is ignored.
 */

import { once } from "node:events";
import type { WebSocket } from "ws";
import { networkOf, type Target } from "@wirebook/net";
import { encodeFrame } from "@wirebook/protocol";
import type { Identity } from "../auth/identity.ts";
import { Tally } from "../bounds.ts";
import type { Refusal } from "../http/access-control.ts";
import type { RefusalReason } from "../telemetry/metrics.ts";
import { closeCodes, closeWebSocket } from "./connection.ts";
import type { Client, ConnectionShared, WebSocketConnection } from "./connection.ts";
import { PageConnection } from "./page-connection.ts";
import { FrameError } from "./page-frames.ts";
import { RelayConnection } from "./relay-connection.ts";

/** A WebSocket that was just opened; without an identity its page must log in. */
type Opened = Omit<Client, "number" | "identity"> & { readonly identity: Identity | null };

interface Rejection {
  readonly reason: RefusalReason;
  readonly error: FrameError;
  readonly closeCode: number;
}

export class WebSocketConnections {
  readonly #shared: ConnectionShared;
  readonly #connections = new Map<WebSocket, WebSocketConnection>();
  readonly #counts = new Tally();
  readonly #heartbeat: NodeJS.Timeout;
  #number = 0;
  #rejectedCount = 0;
  #guestCount = 0;
  isDraining = false;

  constructor(shared: ConnectionShared) {
    this.#shared = shared;
    shared.listening.onFaults = () => {
      for (const connection of this.#all) if (connection instanceof PageConnection) connection.sendListening();
    };
    this.#heartbeat = setInterval(() => {
      this.closeEnded();
      for (const connection of this.#all) connection.beat();
    }, shared.limits.pingIntervalMs).unref();
  }

  get count(): number {
    return this.#connections.size;
  }

  get #all(): IterableIterator<WebSocketConnection> {
    return this.#connections.values();
  }

  /** Why an upgrade gets only a status: too many WebSockets are still being told why they are rejected. */
  refuseUpgrade(identity: Identity | null, address: string): Refusal | undefined {
    if (this.#rejectedCount < this.#shared.limits.refusalsMax) return undefined;
    // Strangers who stay on must not keep out those who have authenticated.
    if (this.#findRejection(address, identity) === undefined) return undefined;
    return { status: 503, reason: "websockets", message: "too many WebSockets are being rejected; try again later" };
  }

  /** Adds a WebSocket of a page, or of a relay to a target, or rejects it. */
  add(opened: Opened, relayTarget: Target | undefined): void {
    const { webSocket, socket, address, identity } = opened;
    const rejection = this.#findRejection(address, identity);
    if (rejection !== undefined || identity === null) {
      return this.#reject(webSocket, address, relayTarget === undefined, rejection as Rejection);
    }
    const { log, metrics } = this.#shared;
    const client = { ...opened, number: ++this.#number, identity };
    const guests = identity.isGuest === true ? 1 : 0;
    this.#guestCount += guests;
    this.#counts.add(networkOf(address), webSocket);
    metrics.webSocketOpened(socket);
    const user = identity.user ?? undefined;
    log.socket({ socket: client.number, outcome: "open", address, user, target: relayTarget?.name });
    webSocket.on("close", (code) => {
      this.#connections.delete(webSocket);
      this.#guestCount -= guests;
      metrics.ended(socket);
      log.socket({ socket: client.number, outcome: `closed (${code})` });
    });
    const connection =
      relayTarget === undefined
        ? new PageConnection(client, this.#shared)
        : new RelayConnection(client, relayTarget, this.#shared);
    this.#connections.set(webSocket, connection);
  }

  #findRejection(address: string, identity: Identity | null): Rejection | undefined {
    const { guestsMax, webSocketsMax, webSocketsPerAddressMax, retryFullMs, retryStoppedMs } = this.#shared.limits;
    if (identity === null) {
      const error = new FrameError("login-needed", null, "log in at /login");
      return { reason: "authentication", closeCode: closeCodes.loginNeeded, error };
    }
    if (this.isDraining) {
      const message = "the gateway is stopping; connect again in a moment";
      const error = new FrameError("shutting-down", null, message, retryStoppedMs);
      return { reason: "stopping", closeCode: closeCodes.goingAway, error };
    }
    // Guests must not keep out those who have authenticated.
    const isFull = this.count >= webSocketsMax || (identity.isGuest === true && this.#guestCount >= guestsMax);
    const network = networkOf(address);
    if (!isFull && this.#counts.of(network) < webSocketsPerAddressMax) return undefined;
    const message = isFull
      ? `all ${webSocketsMax} WebSockets of this gateway are in use; try again later`
      : `${webSocketsPerAddressMax} WebSockets are open from ${network}; close one of them first`;
    const error = new FrameError("too-many-websockets", null, message, retryFullMs);
    return { reason: isFull ? "websockets" : "websockets-per-address", closeCode: closeCodes.tryAgainLater, error };
  }

  #reject(webSocket: WebSocket, address: string, isPage: boolean, { reason, error, closeCode }: Rejection): void {
    this.#shared.metrics.refused.inc({ reason });
    this.#shared.log.refused(address, closeCode, error.message);
    this.#rejectedCount += 1;
    webSocket.on("close", () => (this.#rejectedCount -= 1));
    // `close` follows; without a listener the process would end.
    webSocket.on("error", () => undefined);
    if (isPage) webSocket.send(encodeFrame(error.toFrame(performance.now())));
    closeWebSocket(webSocket, closeCode, `${error.code}: ${error.message}`);
  }

  /** Closes the WebSockets of people who may not stay [G-14]. */
  closeEnded(): void {
    for (const connection of this.#all) connection.closeEnded();
  }

  /** Tells all pages, gives running exchanges `drainMs` to end, and resolves when no WebSocket is left. */
  async drain(): Promise<void> {
    this.isDraining = true;
    clearInterval(this.#heartbeat);
    const closed = [...this.#connections.keys()].map((webSocket) => once(webSocket, "close"));
    for (const connection of this.#all) connection.drain();
    const deadline = setTimeout(() => {
      for (const connection of this.#all) connection.abort();
    }, this.#shared.limits.drainMs);
    await Promise.all(closed);
    clearTimeout(deadline);
  }
}
