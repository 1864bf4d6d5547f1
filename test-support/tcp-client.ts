/** A TCP client that does exactly what it is told, and says how that ended. */

import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/** Bounds a hang, on a machine that is busy with other work as well. */
const endMsMax = 300_000;

/** What one connection received, and how it ended. */
export interface Outcome {
  /** All that came, as UTF-8. */
  readonly text: string;
  /** Why the connection broke; absent when the server ended it with FIN. */
  readonly error?: string;
  readonly ms: number;
}

interface ExchangeOptions {
  /**
   * The client's own address; all of 127.0.0.0/8 are this machine's. Linux then takes a source port from those that it
   * gives to servers, too: where none listens at `port` any more, one client in tens of thousands is connected to itself.
   */
  readonly from?: string | undefined;
  /** Ends the exchange early. */
  readonly isEnough?: (reply: string) => boolean;
}

/**
 * Opens a connection and reads until it ends.
 *
 * @param send what is written, as it is, or what does something with the socket
 */
export async function exchange(
  port: number,
  send: string | Uint8Array | ((socket: Socket) => unknown),
  { from, isEnough = () => false }: ExchangeOptions = {},
): Promise<Outcome> {
  const startedMs = performance.now();
  const own = from === undefined ? {} : { localAddress: from };
  const socket = connect({ host: "127.0.0.1", port, ...own, allowHalfOpen: true, noDelay: true });
  const { promise: ended, resolve } = Promise.withResolvers<string | undefined>();
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    if (isEnough(text)) resolve(undefined);
  });
  socket.once("end", () => resolve(undefined));
  socket.on("error", ({ message }) => resolve(message));
  socket.once("close", () => resolve("closed"));
  const deadline = setTimeout(() => socket.destroy(new Error(`no end within ${endMsMax} ms`)), endMsMax);
  await Promise.race([typeof send === "function" ? send(socket) : socket.write(send), ended]);
  const error = await ended;
  clearTimeout(deadline);
  socket.destroy();
  const ms = performance.now() - startedMs;
  return error === undefined ? { text, ms } : { text, error, ms };
}

/** Sends a message with its line feed; returns the whole reply, or as much of it as came. */
export async function ask(port: number, message: string, from?: string): Promise<string> {
  return (await exchange(port, `${message}\n`, { from })).text;
}

/** An address of this machine for each client, from which no other client connects. */
export function addressOf(client: number): string {
  return `127.${1 + (client >> 16)}.${(client >> 8) & 0xff}.${client & 0xff}`;
}

/** Does something so many times, a few at a time, in order of their numbers from 0. */
export async function inTurns(count: number, atOnce: number, act: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** A server of a test's own, which listens on a free port. Disposing of it resets its connections. */
export class TestServer implements AsyncDisposable {
  readonly sockets = new Set<Socket>();
  readonly #server: Server;

  /** @param serve gets each connection; its errors are ignored, since the tests break connections on purpose */
  static async listen(serve: (socket: Socket) => void): Promise<TestServer> {
    const server = new TestServer(serve);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  private constructor(serve: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.sockets.delete(socket));
      serve(socket);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
