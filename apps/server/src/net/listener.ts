/** The listening socket: where it may be bound, and what a failure to bind it means. */

import { lookup } from "node:dns/promises";
import { once } from "node:events";
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

/** The listening socket of one server. */
export class Listener {
  readonly #backlog: number;
  readonly #server: Server;

  /** @param onError told of what fails once it listens */
  constructor({ backlogMax }: Limits, accept: (socket: Socket) => void, onError: (error: Error) => void) {
    this.#backlog = backlogMax;
    // Half-open, because the peer's FIN does not mean that it wants no reply [W-2].
    this.#server = createServer({ allowHalfOpen: true }, accept);
    this.#server.on("error", (error) => {
      if (this.#server.listening) onError(error);
    });
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** @throws ListenError when the port cannot be had */
  async open(host: string, port: number): Promise<void> {
    try {
      this.#server.listen({ host, port, backlog: this.#backlog });
      await once(this.#server, "listening");
    } catch (error) {
      throw toListenError(error as NodeJS.ErrnoException, { host, port });
    }
  }

  /** Accepts no more connections; resolves when the accepted ones are closed too. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
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
