/**
 * The listening sockets: several on one port, where the system can share a port out (SO_REUSEPORT).
 *
 * libuv accepts one connection for each listening socket and turn of its loop. With several sockets a turn accepts
 * several connections, so there are fewer turns, and more requests share a sync.
 *
 * A second server that the same user starts by mistake could share such a port and silently get some of the connections.
 * So a port that was named is first taken alone, which fails where another program listens, and shared only then. Two
 * servers that start in the same instant are not covered.
 */

import { lookup } from "node:dns/promises";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { isLoopback, ListenError, toListenError } from "@wirebook/net";
import type { Limits } from "../limits.ts";

/**
 * The address of a host. It must be a loopback address unless any will do.
 *
 * @throws ListenError
 */
export async function findAddress(host: string, isAnyFine: boolean): Promise<string> {
  const address = await find(host);
  if (isAnyFine || isLoopback(address)) return address;
  throw new ListenError(
    `--host is ${host}, which other machines can reach, and every client of an open server may read and delete everything; ` +
      "use --users registered, or --host 127.0.0.1 to stay on this machine, or --users open --i-know to accept that",
  );
}

/** All listening sockets of one server. */
export class Listeners {
  readonly #limits: Limits;
  readonly #servers: readonly Server[];

  /** @param onError told of what fails once they listen */
  constructor(limits: Limits, accept: (socket: Socket) => void, onError: (error: Error) => void) {
    this.#limits = limits;
    this.#servers = Array.from({ length: limits.listenersMax }, () => {
      // Half-open, because the peer's FIN does not mean that it wants no reply [W-2].
      const server = createServer({ allowHalfOpen: true }, accept);
      return server.on("error", (error) => {
        if (server.listening) onError(error);
      });
    });
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.#first.address() as AddressInfo;
    return { host: address, port };
  }

  /** @throws ListenError when the port cannot be had; then none of them listens */
  async open(host: string, port: number): Promise<void> {
    try {
      await this.#open(host, port);
    } catch (error) {
      void this.close();
      throw toListenError(error as NodeJS.ErrnoException, { host, port });
    }
  }

  /** Accepts no more connections; resolves when the accepted ones are closed too. */
  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    await Promise.all(closed);
  }

  get #first(): Server {
    return this.#servers[0] as Server;
  }

  async #open(host: string, port: number): Promise<void> {
    const isShared = this.#servers.length > 1;
    if (isShared && port !== 0) await this.#probe(host, port);
    try {
      await this.#listen(this.#first, host, port, isShared);
    } catch (error) {
      if (!isShared || !isUnsupported(error)) throw error;
      return this.#listen(this.#first, host, port, false);
    }
    for (const server of this.#servers.slice(1)) await this.#listen(server, host, this.address.port, true);
  }

  async #probe(host: string, port: number): Promise<void> {
    const server = createServer();
    await this.#listen(server, host, port, false);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async #listen(server: Server, host: string, port: number, reusePort: boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen({ host, port, reusePort, backlog: this.#limits.backlogMax }, resolve);
    await promise;
    server.off("error", reject);
  }
}

async function find(host: string): Promise<string> {
  try {
    return (await lookup(host, { order: "ipv4first" })).address;
  } catch (error) {
    throw new ListenError(
      `--host is ${host}, which is not an address that this machine can find; try --host 127.0.0.1`,
      {
        cause: error,
      },
    );
  }
}

/** True where the system shares no port between sockets that balance connections, as macOS. */
function isUnsupported(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOTSUP" || error.code === "EINVAL");
}
