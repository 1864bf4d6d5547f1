import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { encodeReplyHeader, operations } from "@wirebook/protocol";

/** The header of a reply, as a Wirebook server sends it. */
export const header: string = encodeReplyHeader({ link: "https://example.org/wirebook", operations });

/** A server for one test: it hands the first chunk of each connection to `answer`. */
export interface Peer extends AsyncDisposable {
  readonly port: number;
  /** `--port N`, to be put before the words of a message. */
  readonly options: readonly string[];
  /** What the connections have sent so far, in the order in which they came. */
  readonly messages: readonly string[];
}

/** Listens on a port of the system's choosing. */
export async function openPeer(answer: (socket: Socket, message: string) => void): Promise<Peer> {
  const sockets = new Set<Socket>();
  const messages: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    // Best effort: a client that is interrupted resets its connection.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", (chunk) => {
      messages.push(chunk.toString("latin1"));
      answer(socket, chunk.toString());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    options: ["--port", String(port)],
    messages,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A server that sends the header and this response to everybody. */
export function openResponder(response: string | Uint8Array): Promise<Peer> {
  return openPeer((socket) => {
    socket.write(header);
    socket.end(response);
  });
}
