/**
 * All WebSockets of a gateway: how many there may be, whether they are alive, and how they end [G-4], [G-10].
 *
 * A browser shows its page neither status nor body of an upgrade that is refused. So a WebSocket for which there is no
 * capacity is accepted, told why, and closed with a code and a reason. What it sends is ignored.
 */

import { once } from "node:events";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { networkOf } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { encodeFrame } from "@wirebook/protocol";
import type { Identity } from "../auth/identity.ts";
import { Tally } from "../bounds.ts";
import type { Refusal } from "../http/access-control.ts";
import type { RefusalReason } from "../telemetry/metrics.ts";
import { closeCodes, closeWebSocket } from "./connection.ts";
import type { ConnectionShared, WebSocketConnection } from "./connection.ts";
import { PageConnection } from "./page-connection.ts";
import { FrameError } from "./page-frames.ts";
import { RelayConnection } from "./relay-connection.ts";

/** A WebSocket that was just opened. */
export interface Opened {
  readonly webSocket: WebSocket;
  /** The TCP connection under it. */
  readonly socket: Socket;
  /** Of the client, for limits and log. */
  readonly address: string;
  /** `null` when a page must log in. */
  readonly identity: Identity | null;
  readonly mayWatch: boolean;
  readonly proxyHeader: Uint8Array | undefined;
  /** The target of a relay; `undefined` for a page. */
  readonly relayTarget: Target | undefined;
}

/** Why a WebSocket is rejected, for the metrics, the page and the close frame. */
interface Rejection {
  readonly reason: RefusalReason;
  readonly error: FrameError;
  readonly closeCode: number;
}

const loginNeeded: Rejection = {
  reason: "authentication",
  error: new FrameError("login-needed", null, "log in at /login"),
  closeCode: closeCodes.loginNeeded,
};

/** The WebSockets of one gateway. */
export class WebSocketConnections {
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #shared: ConnectionShared;
  readonly #connections = new Map<WebSocket, WebSocketConnection>();
  readonly #counts = new Tally();
  readonly #heartbeat: NodeJS.Timeout;
  #number = 0;
  #rejectedCount = 0;
  #guestCount = 0;
  #isDraining = false;

  /** @param targets by name, `wirebook` first where there is one */
  constructor(targets: ReadonlyMap<string, Target>, shared: ConnectionShared) {
    this.#targets = targets;
    this.#shared = shared;
    this.#heartbeat = setInterval(() => this.#beat(), shared.limits.pingIntervalMs).unref();
  }

  /** WebSockets that are open. */
  get count(): number {
    return this.#connections.size;
  }

  /** True from the moment at which the gateway was told to stop. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Why an upgrade gets only a status: it would be rejected, and too many WebSockets are still being told why. */
  refuseUpgrade(identity: Identity | null, address: string): Refusal | undefined {
    if (this.#rejectedCount < this.#shared.limits.refusalsMax) return undefined;
    // Strangers who stay on must not keep out those who have authenticated.
    if (identity !== null && this.#findRejection(address, identity) === undefined) return undefined;
    return { status: 503, reason: "websockets", message: "too many WebSockets are being rejected; try again later" };
  }

  /** Adds a WebSocket, from its opening to its end, or rejects it. */
  add({ webSocket, socket, address, identity, mayWatch, proxyHeader, relayTarget }: Opened): void {
    if (identity === null) return this.#reject(webSocket, address, true, loginNeeded);
    const rejection = this.#findRejection(address, identity);
    if (rejection !== undefined) return this.#reject(webSocket, address, relayTarget === undefined, rejection);
    const { log, metrics } = this.#shared;
    const number = ++this.#number;
    const client = { number, webSocket, socket, address, identity, mayWatch, proxyHeader };
    if (identity.isGuest === true) this.#guestCount += 1;
    const network = networkOf(address);
    this.#counts.add(network);
    metrics.webSocketOpened(socket);
    const user = identity.user ?? undefined;
    log.socket({ socket: number, outcome: "open", address, user, target: relayTarget?.name });
    webSocket.on("close", (code) => {
      this.#connections.delete(webSocket);
      if (identity.isGuest === true) this.#guestCount -= 1;
      metrics.webSocketClosed(socket);
      this.#counts.remove(network);
      log.socket({ socket: number, outcome: `closed (${code})` });
    });
    const connection =
      relayTarget === undefined
        ? new PageConnection(client, this.#targets, this.#shared, () => this.#tellListening())
        : new RelayConnection(client, relayTarget, this.#shared);
    this.#connections.set(webSocket, connection);
  }

  /** Why there is no capacity for one more from that address. */
  #findRejection(address: string, { isGuest = false }: Identity): Rejection | undefined {
    const { guestsMax, webSocketsMax, webSocketsPerAddressMax, retryFullMs, retryStoppedMs } = this.#shared.limits;
    if (this.#isDraining) {
      const message = "the gateway is stopping; connect again in a moment";
      const error = new FrameError("shutting-down", null, message, { retryAfterMs: retryStoppedMs });
      return { reason: "stopping", closeCode: closeCodes.goingAway, error };
    }
    // Guests must not keep out those who have authenticated.
    const isFull = this.#connections.size >= webSocketsMax || (isGuest && this.#guestCount >= guestsMax);
    const network = networkOf(address);
    if (!isFull && this.#counts.of(network) < webSocketsPerAddressMax) return undefined;
    const message = isFull
      ? `all ${webSocketsMax} WebSockets of this gateway are in use; try again later`
      : `${webSocketsPerAddressMax} WebSockets are open from ${network}; close one of them first`;
    const error = new FrameError("too-many-websockets", null, message, { retryAfterMs: retryFullMs });
    const reason = isFull ? "websockets" : "websockets-per-address";
    return { reason, closeCode: closeCodes.tryAgainLater, error };
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
    for (const connection of this.#connections.values()) connection.closeEnded();
  }

  /** Tells all pages, gives running exchanges `drainMs` to end, and resolves when no WebSocket is left. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#heartbeat);
    const closed = [...this.#connections.keys()].map((webSocket) => once(webSocket, "close"));
    for (const connection of this.#connections.values()) connection.drain();
    const deadline = setTimeout(() => {
      for (const connection of this.#connections.values()) connection.abort();
    }, this.#shared.limits.drainMs);
    await Promise.all(closed);
    clearTimeout(deadline);
  }

  /** Tells all pages of the listening ports. */
  #tellListening(): void {
    for (const connection of this.#connections.values()) {
      if (connection instanceof PageConnection) connection.sendListening();
    }
  }

  #beat(): void {
    this.closeEnded();
    for (const connection of this.#connections.values()) connection.beat();
  }
}
