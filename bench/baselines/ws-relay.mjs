/**
 * The least that a bridge with many exchanges on one WebSocket can do: it checks nothing, times nothing, limits nothing.
 *
 *     node ws-relay.mjs SERVER-PORT     prints {"event":"listening","port":N}
 *
 * A frame is an exchange's id (four bytes, big-endian), then bytes; the id alone says that the server has closed.
 * Plain JavaScript, since a compiler for TypeScript would be a quarter of its memory.
 */

import { connect } from "node:net";
import process from "node:process";
import { WebSocketServer } from "ws";

const serverPort = Number(process.argv[2]);
const bridge = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
bridge.on("connection", (page) => {
  page.on("message", (data) => {
    const id = data.subarray(0, 4);
    const server = connect({ host: "127.0.0.1", port: serverPort, noDelay: true });
    server.on("error", () => server.destroy());
    server.on("data", (chunk) => page.send(Buffer.concat([id, chunk])));
    server.on("end", () => page.send(id));
    server.write(data.subarray(4));
  });
});
bridge.on("listening", () => {
  const { port } = bridge.address();
  process.stdout.write(`${JSON.stringify({ event: "listening", port })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
