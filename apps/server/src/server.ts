/**
 * The connections of one server, from the listening socket to the last one that closes. One for which there is no room is
 * told so and closed without being read: a flood must cost neither history nor descriptors [W-18].
 */

import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { isLoopback, ListenError, networkOf, normalizeAddress, toListenError } from "@wirebook/net";
import type { History, Users } from "@wirebook/history";
import { encodeReplyHeader, encodeText, operations } from "@wirebook/protocol";
import { SettingsError, type NameOf } from "@wirebook/settings";
import { AuthThrottle } from "./auth/auth-throttle.ts";
import { Authenticator } from "./auth/auth.ts";
import type { Config } from "./config.ts";
import { Connection, type ConnectionOwner, type Problem } from "./connection.ts";
import { ServerError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { RequestLog } from "./request-log.ts";
import { Follows } from "./request/follows.ts";
import type { ServerContext } from "./request/operations.ts";
import { serve } from "./request/session.ts";

type ListenOptions = Pick<Config, "host" | "port" | "link" | "users" | "iKnow" | "trustProxy" | "nameOf">;

/** @throws SettingsError when others could reach an open server; ListenError when the port is taken, … */
export async function listen(
  { host, port, link, users: mode, iKnow, trustProxy, nameOf }: ListenOptions,
  limits: Limits,
  history: History,
  users: Users,
  log: RequestLog,
): Promise<WirebookServer> {
  // Each as the address of a socket is written.
  const trusted = new Set(trustProxy.map((address) => normalizeAddress(address) ?? address));
  const text = encodeReplyHeader({ link, operations });
  const server = new WirebookServer(limits, trusted, {
    history,
    users,
    log,
    authenticator: new Authenticator(mode, users),
    throttle: new AuthThrottle(limits),
    counters: { startedMs: performance.now(), requests: 0 },
    follows: new Follows(history, limits.followersMax),
    replyHeader: { text, bytes: encodeText(text) },
  });
  await server.open(await findAddress(host, mode === "registered" || iKnow, nameOf), port, nameOf);
  return server;
}

/** The address of a host, which must be a loopback address unless any will do. @throws ListenError, SettingsError */
export async function findAddress(host: string, isAnyFine: boolean, nameOf: NameOf<"host">): Promise<string> {
  const address = await lookup(host, { order: "ipv4first" }).catch((cause: unknown) => {
    const sentence = `${nameOf("host")} is ${host}, which is not an address that this machine can find`;
    throw new ListenError(`${sentence}; try ${nameOf("host", "127.0.0.1")}`, { cause });
  });
  if (isAnyFine || isLoopback(address.address)) return address.address;
  throw new SettingsError(
    `${nameOf("host")} is ${host}, which other machines can reach, and every client of an open server may read and delete everything; ` +
      `use --users registered, or ${nameOf("host", "127.0.0.1")} to stay on this machine, or --users open --i-know to accept that`,
  );
}

/** A server that listens. The caller of `listen` stops it, and closes the history afterwards. */
export class WirebookServer implements AsyncDisposable, ConnectionOwner {
  readonly limits: Limits;
  readonly trustedProxies: ReadonlySet<string>;
  readonly #context: ServerContext;
  readonly #listener: Server;
  /** All that are open. An array, because V8 keeps what was deleted from a Set or a Map until the old generation is swept. */
  readonly #connections: Connection[] = [];
  readonly #refused = new Set<Connection>();
  #servedCount = 0;
  readonly #ofNetwork = new Map<string, number>();
  #alarm: NodeJS.Timeout | undefined;
  #alarmMs = Infinity;
  #stopped: Promise<void> | undefined;
  #reportLast: () => void = () => {};

  constructor(limits: Limits, trustedProxies: ReadonlySet<string>, context: ServerContext) {
    this.limits = limits;
    this.trustedProxies = trustedProxies;
    this.#context = context;
    // Half-open, because the peer's FIN does not mean that it wants no reply [W-2].
    this.#listener = createServer({ allowHalfOpen: true }, (socket) => this.#accept(new Connection(socket, this)));
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.#listener.address() as AddressInfo;
    return { host: address, port };
  }

  /** @throws ListenError when the port cannot be had */
  async open(host: string, port: number, nameOf: NameOf<"host" | "port">): Promise<void> {
    try {
      this.#listener.listen({ host, port, backlog: this.limits.backlogMax });
      await once(this.#listener, "listening");
    } catch (error) {
      throw toListenError(error as NodeJS.ErrnoException, { host, port, nameOf });
    }
    this.#listener.on("error", ({ message }) => this.#reportFailure(message));
  }

  serve(connection: Connection, problem: Problem): void {
    serve(connection, problem, this.#context).catch((error: unknown) => {
      connection.reset();
      this.#reportFailure(String(error));
    });
  }

  /** One timer has the deadlines of all connections: it goes off at the first one, or before, where that was put off. */
  wakeAt(deadlineMs: number): void {
    if (deadlineMs >= this.#alarmMs) return;
    clearTimeout(this.#alarm);
    this.#alarmMs = deadlineMs;
    // The loop may have been busy past a deadline while bytes lay ready, which are read before an immediate runs.
    const ring = (): unknown => setImmediate(() => this.#expire());
    this.#alarm = setTimeout(ring, Math.ceil(deadlineMs - performance.now())).unref();
  }

  leave(connection: Connection): void {
    const { network, place } = connection;
    const last = this.#connections.pop() as Connection;
    if (last !== connection) this.#connections[place] = last;
    last.place = place;
    if (network === undefined) this.#refused.delete(connection);
    else {
      const left = (this.#ofNetwork.get(network) ?? 0) - 1;
      this.#servedCount -= 1;
      if (left > 0) this.#ofNetwork.set(network, left);
      else this.#ofNetwork.delete(network);
    }
    if (this.#connections.length === 0) this.#reportLast();
  }

  /** Accepts no more, ends the follows, and resets what has not finished after so many milliseconds [W-19]. */
  stop(withinMs: number = this.limits.drainMs): Promise<void> {
    return (this.#stopped ??= this.#drain(withinMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #accept(connection: Connection): void {
    const network = networkOf(connection.address); // A proxy's own: its header has not come yet.
    connection.place = this.#connections.push(connection) - 1;
    const refusal = this.#findRefusal(network, connection.address);
    if (refusal === undefined) {
      connection.network = network;
      this.#servedCount += 1;
      this.#ofNetwork.set(network, (this.#ofNetwork.get(network) ?? 0) + 1);
      return;
    }
    // The oldest refusal has had the longest time to be read.
    const [oldest] = this.#refused;
    if (oldest !== undefined && this.#refused.size >= this.limits.refusalsMax) {
      this.#refused.delete(oldest);
      oldest.close();
    }
    this.#refused.add(connection);
    this.#context.log.write({ event: "refused", address: connection.address, code: refusal.code });
    connection.settle(refusal);
  }

  /** Why there is no room for another connection [W-18]. */
  #findRefusal(network: string, address: string): ServerError | undefined {
    const { connectionsMax, connectionsPerAddressMax } = this.limits;
    const others = this.#ofNetwork.get(network) ?? 0;
    if (this.#servedCount >= connectionsMax) {
      return new ServerError(
        "connections-max",
        `${connectionsMax} connections are open, which is the limit; try again in a moment`,
      );
    }
    // A proxy stands for many, so it is not held to the limit of one address [W-20].
    if (others < connectionsPerAddressMax || this.trustedProxies.has(address)) return undefined;
    return new ServerError(
      "address-max",
      `${others} connections from ${network} are open, which is the limit for one address; try again in a moment`,
    );
  }

  #expire(): void {
    this.#alarmMs = Infinity;
    const nowMs = performance.now();
    for (const connection of this.#connections) if (connection.deadlineMs <= nowMs) connection.expire();
    this.wakeAt(Math.min(...this.#connections.map(({ deadlineMs }) => deadlineMs)));
  }

  #reportFailure(message: string): void {
    this.#context.log.write({ event: "failure", message });
  }

  async #drain(withinMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    this.#context.follows.end();
    this.#context.throttle.end();
    for (const connection of this.#connections) connection.shortenDeadline(this.limits.drainMessageMs);
    const deadline = setTimeout(() => {
      for (const connection of this.#connections) connection.abort();
    }, withinMs);
    await closed;
    if (this.#connections.length > 0) await new Promise<void>((resolve) => (this.#reportLast = resolve));
    clearTimeout(deadline);
  }
}
