import { connect } from "node:net";
import type { Socket } from "node:net";

/** One exchange: sends a message, with its line feed, and gives what came until the server's FIN or until it was gone. */
export async function ask(port: number, message: string): Promise<string> {
  const chunks: Buffer[] = [];
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(`${message}\n`);
  await gone(socket);
  return Buffer.concat(chunks).toString();
}

/** Resolves when a connection is over, in whatever way. */
export function gone(socket: Socket): Promise<void> {
  socket.on("error", () => {}); // `close` follows; what came before it counts.
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}
