/**
 * The least that a TCP pipe can do, and the least that one can do which also notes each read.
 *
 *     node net-pipe.mjs SERVER-PORT [record]     prints {"event":"listening","port":N}
 *
 * It checks nothing, limits nothing, and passes no RST on. With `record` it copies each read into a ring of 64 MiB, with its
 * time, its direction and its length.
 */

import { connect, createServer } from "node:net";
import process from "node:process";

const serverPort = Number(process.argv[2]);
const ring = process.argv[3] === "record" ? Buffer.alloc(64 * 1024 * 1024) : undefined;
const headBytes = 13;
let at = 0;

function note(direction, bytes) {
  const end = at + headBytes + bytes.length;
  if (end > ring.length) at = 0;
  ring.writeDoubleBE(performance.now(), at);
  ring.writeUInt8(direction, at + 8);
  ring.writeUInt32BE(bytes.length, at + 9);
  bytes.copy(ring, at + headBytes);
  at += headBytes + bytes.length;
}

function pass(from, to, direction) {
  from.on("data", (bytes) => {
    if (!to.write(bytes)) from.pause();
    if (ring !== undefined) note(direction, bytes);
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
}

const pipe = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const server = connect({ host: "127.0.0.1", port: serverPort, noDelay: true, allowHalfOpen: true });
  pass(client, server, 0);
  pass(server, client, 1);
});
pipe.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ event: "listening", port: pipe.address().port })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
