/**
 * The listening socket and the connections that came of it.
 *
 * A connection beyond `connectionsMax` is told so and closed without being read: a flood must cost neither history nor
 * descriptors [W-18]. Node itself would close it without a word, by `maxConnections` or when descriptors run out, so
 * both stay out of reach: the descriptors are counted beforehand (`limitsWithin`) and the oldest refusal is cut before
 * another is begun.
 */

import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { History } from "@wirebook/history";
import { encodeBeginning, operations, plainIpAddress } from "@wirebook/protocol";
import { Connection, plainAddress } from "./connection.ts";
import type { Context } from "./context.ts";
import { ServerError } from "./errors.ts";
import { Followers } from "./followers.ts";
import { limitsDefault } from "./limits.ts";
import type { Limits } from "./limits.ts";
import { explainListening, findLoopback } from "./listening.ts";
import { serve } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { anyPlainName } from "./who.ts";

/** Where to listen and what to say first. */
export interface ListenOptions {
  /** A loopback address, or a name of one. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The first line of every reply [W-11]. */
  readonly link: string;
  /** Addresses of proxies, which must say for whom they connect and are believed [W-20]. */
  readonly trustedProxies?: readonly string[];
  readonly limits?: Limits;
}

/** A server that listens. Whoever called `listen` stops it, and closes the history afterwards. */
export interface WirebookServer extends AsyncDisposable {
  readonly address: { readonly host: string; readonly port: number };
  /**
   * Accepts no more, lets what was accepted finish for so many milliseconds (by default `drainMs`), ends the follows
   * and resets whatever is left then [W-19].
   */
  stop(withinMs?: number): Promise<void>;
}

/**
 * Listens for connections and serves them from a history.
 *
 * @throws ListenError when the host is not this machine alone, the port is taken, …
 */
export async function listen(options: ListenOptions, history: History, terminal: Terminal): Promise<WirebookServer> {
  const limits = options.limits ?? limitsDefault;
  const server = new TcpServer(limits, trustedIn(options), {
    history,
    terminal,
    identify: anyPlainName,
    followers: new Followers(history, limits.followersMax),
    beginning: encodeBeginning({ link: options.link, operations }),
  });
  await server.open(await findLoopback(options.host), options.port);
  return server;
}

/** The trusted addresses, each as the address of a socket is written. */
function trustedIn({ trustedProxies = [] }: ListenOptions): ReadonlySet<string> {
  return new Set(trustedProxies.map((address) => plainIpAddress(address) ?? address));
}

class TcpServer implements WirebookServer {
  readonly #limits: Limits;
  readonly #trusted: ReadonlySet<string>;
  readonly #context: Context;
  readonly #server: Server;
  readonly #served = new Map<Connection, Promise<void>>();
  readonly #refused = new Map<Connection, Promise<void>>();
  #stopped: Promise<void> | undefined;

  constructor(limits: Limits, trusted: ReadonlySet<string>, context: Context) {
    this.#limits = limits;
    this.#trusted = trusted;
    this.#context = context;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = limits.connectionsMax + 2 * limits.refusalsMax;
    this.#server.on("drop", (dropped) => this.#showRefused(plainAddress(dropped?.remoteAddress)));
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  async open(host: string, port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen({ host, port, backlog: this.#limits.backlogMax }, resolve);
    try {
      await promise;
    } catch (error) {
      throw explainListening(error as NodeJS.ErrnoException, host, port);
    }
    this.#server.off("error", reject);
    this.#server.on("error", (error) => this.#context.terminal.show({ event: "failure", message: error.message }));
  }

  stop(withinMs: number = this.#limits.drainMs): Promise<void> {
    return (this.#stopped ??= this.#drain(withinMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this.#limits, this.#trusted);
    if (this.#served.size < this.#limits.connectionsMax) return this.#serve(connection, this.#served);
    const [oldest] = this.#refused.keys();
    if (this.#refused.size >= this.#limits.refusalsMax) oldest?.close();
    connection.refuse(
      new ServerError(
        "connections-max",
        `${this.#limits.connectionsMax} connections are open, which is the limit; try again in a moment`,
      ),
    );
    this.#showRefused(connection.address);
    this.#serve(connection, this.#refused);
  }

  #showRefused(address: string): void {
    this.#context.terminal.show({ event: "refused", address, code: "connections-max" });
  }

  #serve(connection: Connection, among: Map<Connection, Promise<void>>): void {
    const served = serve(connection, this.#context)
      .catch((error: unknown) => {
        connection.reset();
        this.#context.terminal.show({ event: "failure", message: String(error) });
      })
      .then(() => connection.closed)
      .finally(() => among.delete(connection));
    among.set(connection, served);
  }

  async #drain(withinMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#context.followers.end();
    for (const connection of this.#served.keys()) connection.hurry(this.#limits.drainMessageMs);
    const deadline = setTimeout(() => {
      for (const connection of [...this.#served.keys(), ...this.#refused.keys()]) connection.reset();
    }, withinMs);
    await Promise.all([...this.#served.values(), ...this.#refused.values(), closed]);
    clearTimeout(deadline);
  }
}
