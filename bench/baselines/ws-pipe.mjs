/**
 * The least that a relay from WebSocket to TCP can do: bytes both ways, each side slowed down by the other.
 *
 *     node ws-pipe.mjs SERVER-PORT     prints {"event":"listening","port":N}
 *
 * It checks nothing, times nothing, limits nothing. Plain JavaScript, since a compiler for TypeScript would be a quarter of
 * its memory.
 */

import { connect } from "node:net";
import process from "node:process";
import { WebSocketServer } from "ws";

const bytesWaitingMax = 64 * 1024;
const serverPort = Number(process.argv[2]);
const relay = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
relay.on("connection", (client) => {
  const server = connect({ host: "127.0.0.1", port: serverPort, noDelay: true });
  client.on("message", (data) => void (server.write(data) || client.pause()));
  server.on("drain", () => client.resume());
  server.on("data", (chunk) => {
    client.send(chunk, () => server.resume());
    if (client.bufferedAmount > bytesWaitingMax) server.pause();
  });
  server.on("error", () => server.destroy());
  server.on("close", () => client.close());
  client.on("close", () => server.destroy());
});
relay.on("listening", () => {
  const { port } = relay.address();
  process.stdout.write(`${JSON.stringify({ event: "listening", port })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
