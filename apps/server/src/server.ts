/**
 * The connections of one server, from the listening sockets to the last one that closes.
 *
 * A connection for which there is no room is told so and closed without being read: a flood must cost neither history
 * nor descriptors [W-18]. Node itself would close it without a word when descriptors run out, so that stays out of
 * reach: the descriptors are counted beforehand (`limitsWithin`), and the oldest refusal is cut before another is begun.
 */

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { normalizeAddress, toListenError } from "@wirebook/net";
import type { History, Users } from "@wirebook/history";
import { encodeReplyHeader, operations } from "@wirebook/protocol";
import { ConnectionLimiter } from "./net/connection-limiter.ts";
import { Connection } from "./net/connection.ts";
import type { ServerContext } from "./server-context.ts";
import type { ServerError } from "./errors.ts";
import { Subscriptions } from "./request/subscriptions.ts";
import { limitsDefault } from "./limits.ts";
import type { Limits } from "./limits.ts";
import { findAddress } from "./net/listen-address.ts";
import { serve } from "./request/session.ts";
import type { RequestLog } from "./request-log.ts";
import { AuthThrottle } from "./auth/auth-throttle.ts";
import { Authenticator } from "./auth/auth.ts";
import type { Mode } from "./auth/auth.ts";

export interface ListenOptions {
  /** An address of this machine, or a name of one. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The first line of every reply [W-11]. */
  readonly link: string;
  /** Addresses of proxies, which must say for whom they connect and are believed [W-20]. */
  readonly trustedProxies?: readonly string[];
  /** Who is accepted [U-6]. */
  readonly mode: Mode;
  /** True when the operator knows that an open server which others can reach is everybody's. */
  readonly isOpenToAll?: boolean;
  readonly limits?: Limits;
}

/**
 * Listens for connections and serves them from a history.
 *
 * @throws ListenError when others could reach an open server, the port is taken, …
 */
export async function listen(
  options: ListenOptions,
  history: History,
  users: Users,
  log: RequestLog,
): Promise<WirebookServer> {
  const limits = options.limits ?? limitsDefault;
  // Each as the address of a socket is written.
  const trusted = new Set((options.trustedProxies ?? []).map((address) => normalizeAddress(address) ?? address));
  const server = new WirebookServer(limits, trusted, {
    history,
    users,
    log,
    authenticator: new Authenticator(options.mode, users),
    throttle: new AuthThrottle(limits),
    counters: { startedMs: performance.now(), requests: 0 },
    subscriptions: new Subscriptions(history, limits.followersMax),
    replyHeader: encodeReplyHeader({ link: options.link, operations }),
  });
  await server.open(
    await findAddress(options.host, options.mode === "registered" || options.isOpenToAll === true),
    options.port,
  );
  return server;
}

/** A server that listens. The caller of `listen` stops it, and closes the history afterwards. */
export class WirebookServer implements AsyncDisposable {
  readonly #limits: Limits;
  readonly #context: ServerContext;
  readonly #listener: Server;
  readonly #limiter: ConnectionLimiter;
  readonly #served = new Map<Connection, Promise<void>>();
  readonly #refused = new Map<Connection, Promise<void>>();
  #stopped: Promise<void> | undefined;

  constructor(limits: Limits, trusted: ReadonlySet<string>, context: ServerContext) {
    this.#limits = limits;
    this.#context = context;
    this.#limiter = new ConnectionLimiter(limits, trusted);
    // Half-open, because the peer's FIN does not mean that it wants no reply [W-2].
    this.#listener = createServer({ allowHalfOpen: true }, (socket) => {
      this.#accept(new Connection(socket, limits, trusted));
    });
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.#listener.address() as AddressInfo;
    return { host: address, port };
  }

  /** @throws ListenError when the port cannot be had */
  async open(host: string, port: number): Promise<void> {
    try {
      this.#listener.listen({ host, port, backlog: this.#limits.backlogMax });
      await once(this.#listener, "listening");
    } catch (error) {
      throw toListenError(error as NodeJS.ErrnoException, { host, port });
    }
    this.#listener.on("error", ({ message }) => this.#context.log.write({ event: "failure", message }));
  }

  /**
   * Accepts no more, lets what was accepted finish for so many milliseconds, ends the follows and resets whatever is left
   * then [W-19].
   */
  stop(withinMs: number = this.#limits.drainMs): Promise<void> {
    return (this.#stopped ??= this.#drain(withinMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #accept(connection: Connection): void {
    const { address } = connection; // A proxy's own: its header, which may give another, has not come yet.
    const refusal = this.#limiter.acquire(address);
    if (refusal === undefined) {
      this.#served.set(connection, this.#serve(connection, address));
    } else {
      this.#makeRoomForRefusal();
      this.#refused.set(connection, this.#refuse(connection, refusal));
    }
  }

  async #serve(connection: Connection, address: string): Promise<void> {
    await this.#attend(connection);
    this.#served.delete(connection);
    this.#limiter.release(address);
  }

  async #refuse(connection: Connection, refusal: ServerError): Promise<void> {
    this.#context.log.write({ event: "refused", address: connection.address, code: refusal.code });
    connection.refuse(refusal);
    await this.#attend(connection);
    this.#refused.delete(connection);
  }

  /** The oldest refusal has had the longest time to be read. */
  #makeRoomForRefusal(): void {
    if (this.#refused.size < this.#limits.refusalsMax) return;
    const [oldest] = this.#refused.keys();
    if (oldest === undefined) return;
    this.#refused.delete(oldest);
    oldest.close();
  }

  /** Serves a connection; resolves when it is closed and its request is carried out. */
  async #attend(connection: Connection): Promise<void> {
    try {
      await serve(connection, this.#context);
    } catch (error) {
      connection.reset();
      this.#context.log.write({ event: "failure", message: String(error) });
    }
    await connection.closed;
  }

  async #drain(withinMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    this.#context.subscriptions.end();
    this.#context.throttle.end();
    for (const connection of this.#served.keys()) connection.shortenDeadline(this.#limits.drainMessageMs);
    const deadline = setTimeout(() => {
      for (const connection of [...this.#served.keys(), ...this.#refused.keys()]) connection.reset();
    }, withinMs);
    await Promise.all([...this.#served.values(), ...this.#refused.values(), closed]);
    clearTimeout(deadline);
  }
}
