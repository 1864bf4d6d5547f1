/**
 * Pages that follow, as cheap as they can be, since they share the machine with what is measured: they look at nothing but
 * line feeds.
 *
 *     node counting-pages.ts PORT COUNT STEP     prints a line when all of COUNT pages follow, and one each time that all of
 *                                                them together have got STEP lines more
 */

import { argv, stdout } from "node:process";
import { byteFrameHeaderBytes, encodeFrame } from "@wirebook/protocol";
import { handshake, encodeClientFrame, opcodes, upgradeHeaders } from "../../test-support/raw-web-socket.ts";

const [port = 0, count = 0, step = 0] = argv.slice(2).map(Number);
const host = `127.0.0.1:${port}`;
/** The first byte of a whole binary message (RFC 6455, section 5.2). */
const wholeBinary = 0x80 | opcodes.binary;
let lines = 0;
let told = 0;

/** Line feeds of a reply: in its frames they stand behind the header, in which any byte may look like one. */
class LineFeeds {
  #rest: Buffer = Buffer.alloc(0);

  /** Takes bytes of the WebSocket; returns how many line feeds the frames that are whole by now have. */
  take(chunk: Buffer): number {
    let found = 0;
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const length = (bytes[1] ?? 0) & 0x7f;
      const start = length === 127 ? 10 : length === 126 ? 4 : 2;
      if (bytes.length < start) break;
      const end = start + (length < 126 ? length : length === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6));
      if (bytes.length < end) break;
      if (bytes[0] === wholeBinary) found += countLineFeeds(bytes.subarray(start + byteFrameHeaderBytes, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return found;
  }
}

function countLineFeeds(bytes: Buffer): number {
  let found = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) found += 1;
  return found;
}

function take(found: number): void {
  lines += found;
  for (; told + step <= lines; told += step) stdout.write("step\n");
}

async function follow(): Promise<void> {
  const { socket } = await handshake(port, { headers: upgradeHeaders(host, `http://${host}`) });
  const { promise, resolve } = Promise.withResolvers<void>();
  const feeds = new LineFeeds();
  let head: Buffer | undefined = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    if (head === undefined) return take(feeds.take(chunk));
    head = Buffer.concat([head, chunk]);
    const found = /Following from line \d+\.\n/.exec(head.toString("latin1"));
    if (found === null) return;
    // The server is silent then, so a frame ends here.
    take(feeds.take(head.subarray(found.index + found[0].length)));
    head = undefined;
    resolve();
  });
  const frame = encodeFrame({ type: "request", id: 1, user: "brick", operation: 5 });
  socket.write(encodeClientFrame(opcodes.text, Buffer.from(frame)));
  await promise;
}

for (let opened = 0; opened < count; opened++) await follow();
stdout.write("following\n");
