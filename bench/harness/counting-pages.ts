/**
 * Pages that follow, as cheap as they can be, since they share the machine with what is measured: they look at nothing but
 * line feeds.
 *
 *     node counting-pages.ts PORT COUNT STEP     prints a line when all of COUNT pages follow, and one each time that all of
 *                                                them together have got STEP lines more
 */

import { argv, stdout } from "node:process";
import { encodeFrame } from "@wirebook/protocol";
import { handshake, encodeClientFrame, opcodes, upgradeHeaders } from "../../test-support/raw-web-socket.ts";

const [port = 0, count = 0, step = 0] = argv.slice(2).map(Number);
const host = `127.0.0.1:${port}`;
let lines = 0;
let told = 0;

function take(chunk: Buffer, from: number): void {
  for (let at = chunk.indexOf(0x0a, from); at >= 0; at = chunk.indexOf(0x0a, at + 1)) lines += 1;
  for (; told + step <= lines; told += step) stdout.write("step\n");
}

async function follow(): Promise<void> {
  const { socket } = await handshake(port, { headers: upgradeHeaders(host, `http://${host}`) });
  const { promise, resolve } = Promise.withResolvers<void>();
  let head: Buffer | undefined = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    if (head === undefined) return take(chunk, 0);
    head = Buffer.concat([head, chunk]);
    const found = /Following from line \d+\.\n/.exec(head.toString("latin1"));
    if (found === null) return;
    take(head, found.index + found[0].length);
    head = undefined;
    resolve();
  });
  const frame = encodeFrame({ type: "request", id: 1, user: "brick", operation: 5 });
  socket.write(encodeClientFrame(opcodes.text, Buffer.from(frame)));
  await promise;
}

for (let opened = 0; opened < count; opened++) await follow();
stdout.write("following\n");
