/**
 * The least that a server in Node can do: answers every connection with the same bytes and closes. It logs nothing,
 * checks nothing and reads no message.
 *
 *     node bare-server.ts REPLY      prints {"event":"listening","port":N}
 */

import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import process from "node:process";

const reply = process.argv[2] ?? "";
const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.on("data", () => socket.end(reply));
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ event: "listening", port })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
