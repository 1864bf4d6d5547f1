/** A history of gigabytes: opened, read anywhere and as a whole, appended to and deleted from. */

import { open, statfs } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { memoryOf } from "../../test-support/process-figures.ts";
import { ask } from "../../test-support/tcp-client.ts";

const gibibyte = 1024 ** 3;
const mebibyte = 1024 ** 2;
/** A line with its number, always as long as any other. */
const message = `brick 77 ${"x".repeat(40)} `;
const digits = 12;
const startUs = Date.UTC(2026, 0, 1) * 1000;
const pages = 200;
const pageLines = 1000;
const rssMiBMax = 200;
const firstByteP99MsMax = 100;
const startMsMax = 5000;
/** Disk that a trial takes for each byte of the history: the file, and the new one that a delete writes. */
const diskShare = 2.2;

export const faultTest: FaultTest = {
  promise:
    "a history of gigabytes is open within seconds, any page of it begins within 100 ms, and memory stays below 200 MiB",
  unit: "GiB",
  first: 1,
  full: 5,
  isInCi: false,
  needs: [],
  negativeControls: [{ mutant: "read-whole-file", count: 0.25 }],
  run,
};

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  const bytes = count * gibibyte;
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes * diskShare) throw new Error(`${folder} has no room for ${diskShare} times ${count} GiB`);
  const lines = await fill(historyPath, bytes);
  const startedMs = performance.now();
  await using server = await startServer({ historyPath, nodeArgs });
  const startMs = performance.now() - startedMs;

  const violations: string[] = [];
  const firstByteMs: number[] = [];
  for (let page = 0; page < pages; page++) {
    const from = random.between(1, lines - pageLines + 1);
    const { firstMs, text } = await readPage(server.port, from);
    firstByteMs.push(firstMs);
    if (text !== linesFrom(from)) violations.push(`the page from line ${from} was not what the file has there`);
  }
  const p99Ms = firstByteMs.toSorted((one, other) => one - other)[Math.floor(pages * 0.99)] ?? Infinity;
  violations.push(...(await readWhole(server, bytes)), ...(await deleteOne(server, lines, random)));
  const { peakMiB: rssMiB } = await memoryOf(server.pid);
  if (startMs > startMsMax) violations.push(`the start took ${startMs.toFixed(0)} ms`);
  if (p99Ms > firstByteP99MsMax) violations.push(`the first byte of a page came after ${p99Ms.toFixed(0)} ms (p99)`);
  if (rssMiB > rssMiBMax) violations.push(`the server took ${rssMiB.toFixed(0)} MiB`);
  progress(count);
  const figures = {
    "start, ms": startMs.toFixed(0),
    "p99 of a page's first byte, ms": p99Ms.toFixed(1),
    "RSS at most, MiB": rssMiB.toFixed(0),
  };
  const checked = `${lines.toLocaleString("en")} lines; ${pages} pages compared, all of it read, a line deleted`;
  return { tried: count, checked, violations, figures };
}

function lineOf(number: number): string {
  return `${encodeRequestEntry(encodeTime(startUs + number), "127.0.0.1", message + String(number).padStart(digits, "0"), false)}\n`;
}

function linesFrom(from: number): string {
  return Array.from({ length: pageLines }, (_, at) => lineOf(from + at)).join("");
}

/** Writes lines up to so many bytes; returns how many. */
async function fill(path: string, bytes: number): Promise<number> {
  const blockLines = Math.floor(mebibyte / lineOf(1).length);
  const lines = Math.floor(bytes / lineOf(1).length);
  await using file = await open(path, "w");
  for (let from = 1; from <= lines; from += blockLines) {
    const length = Math.min(blockLines, lines - from + 1);
    await file.write(Array.from({ length }, (_, at) => lineOf(from + at)).join(""));
  }
  return lines;
}

/** A page of the history, and when the first byte of the reply came. */
async function readPage(port: number, from: number): Promise<{ firstMs: number; text: string }> {
  const askedMs = performance.now();
  let firstMs = Infinity;
  const chunks: Buffer[] = [];
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(`reader 2 ${from} ${from + pageLines - 1}\n`);
  for await (const chunk of socket) {
    firstMs = Math.min(firstMs, performance.now() - askedMs);
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString();
  return { firstMs, text: text.slice(text.indexOf(lineOf(from).slice(0, digits))) };
}

async function readWhole(server: ServerProgram, bytes: number): Promise<string[]> {
  let read = 0;
  const socket = connect({ host: "127.0.0.1", port: server.port });
  socket.write("reader 2\n");
  for await (const chunk of socket) read += (chunk as Buffer).length;
  const least = bytes - lineOf(1).length;
  return read >= least ? [] : [`the whole history came with ${read} bytes of at least ${least}`];
}

/** Deletes a line and asks for the one that has its place then. */
async function deleteOne({ port }: ServerProgram, lines: number, random: Random): Promise<string[]> {
  const line = random.between(1, lines - 1);
  const reply = await ask(port, `brick 1 ${line}`);
  const behind = await ask(port, `brick 2 ${line} ${line}`);
  const violations = reply.endsWith(`\nDeleted line ${line}.\n`) ? [] : [`a delete got ${reply.slice(-120)}`];
  if (!behind.endsWith(lineOf(line + 1))) violations.push(`behind the delete, line ${line} is ${behind.slice(-120)}`);
  return violations;
}
