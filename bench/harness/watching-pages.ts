/**
 * Pages that watch, of which the last one reads nothing. What is sent through the listening port is times: nanoseconds of the
 * monotonic clock, which all programs of a machine share, in so many digits.
 *
 *     node watching-pages.ts PORT COUNT READS DIGITS     prints a line when all of COUNT pages watch, and one with how late, in
 *                                                        milliseconds, all but the last got READS times each
 */

import { once } from "node:events";
import { argv, hrtime, stdout } from "node:process";
import { WebSocket } from "ws";
import { byteFrameHeaderBytes, decodeByteFrame, encodeFrame, subprotocol } from "@wirebook/protocol";

const [port = 0, count = 0, reads = 0, timeDigits = 0] = argv.slice(2).map(Number);
const late: number[] = [];

function take(message: Uint8Array): void {
  const nowNs = hrtime.bigint();
  if (message.length < byteFrameHeaderBytes + timeDigits) return;
  const frame = decodeByteFrame(message);
  if (typeof frame === "string" || frame.kind !== "data") return;
  const text = Buffer.from(frame.bytes).toString();
  for (let at = 0; at < text.length; at += timeDigits) {
    late.push(Number(nowNs - BigInt(text.slice(at, at + timeDigits))) / 1e6);
  }
  if (late.length === reads * (count - 1)) tell();
}

function tell(): void {
  late.sort((one, other) => one - other);
  const at = (share: number): number => late[Math.ceil(late.length * share) - 1] as number;
  stdout.write(`${JSON.stringify({ p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) })}\n`);
}

async function watch(isStalled: boolean): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, subprotocol, {
    origin: `http://127.0.0.1:${port}`,
    perMessageDeflate: false,
  });
  const watching = Promise.withResolvers<void>();
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) take(data);
    else if (data.includes('"watching"')) watching.resolve();
  });
  await once(socket, "open");
  socket.send(encodeFrame({ type: "watch" }));
  await watching.promise;
  if (isStalled) socket.pause();
}

for (let opened = 1; opened <= count; opened++) await watch(opened === count);
stdout.write("watching\n");
