/**
 * The least that a server in Node can do to be durable: a line for each message, on the disk before it is answered.
 *
 * It gathers lines until a turn of the event loop brings none, writes and syncs them in one go, answers, and shows them.
 * It has no limits, no deadlines, no users and no operations, and it takes one read for the message.
 *
 *     node durable-server.ts REPLY FILE      prints {"event":"listening","port":N}
 */

import { fdatasyncSync, openSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import process from "node:process";

const [reply = "", file = ""] = process.argv.slice(2);
const fd = openSync(file, "a");
let sockets: Socket[] = [];
let lines = "";

function gather(seen: number): void {
  if (sockets.length > seen) return void setImmediate(gather, sockets.length);
  writeSync(fd, lines);
  fdatasyncSync(fd);
  process.stdout.write(lines);
  for (const socket of sockets) {
    socket.write(reply);
    socket.end();
  }
  sockets = [];
  lines = "";
}

// Half-open: a client whose FIN comes behind its message wants its reply, too.
const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.on("data", (message) => {
    lines += `${new Date().toISOString()} ${socket.remoteAddress} ${JSON.stringify(message.toString().trim())}\n`;
    if (sockets.push(socket) === 1) setImmediate(gather, 0);
  });
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ event: "listening", port })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
