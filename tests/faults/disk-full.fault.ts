/**
 * A disk that fills up under writers, and then either gets room or is emptied by a delete of all.
 *
 * A request whose own line finds no room is refused, a read as well: a reply is proof of a line [W-8]. What must go on
 * meanwhile is what had started: a follow, and a reply that its reader takes slowly.
 */

import { once } from "node:events";
import { connect } from "node:net";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { decodeEntry, encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { ask } from "../../test-support/tcp-client.ts";
import { Ledger } from "./history/ledger.ts";
import { pageBytes, SmallDisk, smallDiskNeeds } from "./history/disks.ts";
import { follow } from "./history/follower.ts";
import { recover } from "./history/storm.ts";
import { Writers } from "./history/writers.ts";

/** Refusals after which the disk counts as full: each of the writers has had several. */
const refusalsEnough = 40;
const pagesMin = 8;
const pagesMax = 200;
/** Pages of the disk for the lock and for the page that is kept for a delete of all. */
const pagesBeside = 2;
/** Capacity that is left to the writers at the start. */
const roomBytesMax = 4 * pageBytes;
/** Pages that the disk grows by. */
const pagesMore = 64;
/** Requests behind the room, one after the other, among which one is written: a slow machine takes longer for each. */
const requestsMax = 20;
const fullSentence = /^the disk of the history is full and nothing was done; /;

export const faultTest: FaultTest = {
  promise:
    "a full disk leaves no partial line, what was being read goes on, and writing is possible again as soon as there is room",
  unit: "disks that filled up",
  first: 100,
  ci: 6,
  full: 2000,
  isInCi: true,
  needs: smallDiskNeeds,
  negativeControls: [{ mutant: "kept-partial-write", count: 2 }],
  run,
};

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const violations: string[] = [];
  let acknowledged = 0;
  let refused = 0;
  let latest = 0;
  for (let done = 0; done < count; done++) {
    const pages = random.between(pagesMin, pagesMax);
    using disk = new SmallDisk(folder, pages);
    const historyPath = join(disk.path, "history.txt");
    await fill(historyPath, (pages - pagesBeside) * pageBytes - random.between(0, roomBytesMax), random);
    const found = await tryDisk(disk, historyPath, { random, nodeArgs, isEmptied: done % 2 === 0 });
    violations.push(...found.violations.map((violation) => `disk ${done + 1} of ${pages} pages: ${violation}`));
    acknowledged += found.acknowledged;
    refused += found.refused;
    latest = Math.max(latest, found.again);
    progress(done + 1);
  }
  const checked = `${acknowledged.toLocaleString("en")} acknowledgements and ${refused.toLocaleString("en")} refusals looked for`;
  return { tried: count, checked, violations, figures: { "written again, request": latest } };
}

/** Lines of ours, as many as fit in so many bytes. */
async function fill(path: string, bytes: number, random: Random): Promise<void> {
  const lines: string[] = [];
  for (let length = 0; ;) {
    const time = encodeTime(Date.UTC(2026, 0, 1) * 1000 + lines.length);
    const line = `${encodeRequestEntry(time, "127.0.0.1", "x".repeat(random.between(1, 200)), false)}\n`;
    length += line.length;
    if (length > bytes) break;
    lines.push(line);
  }
  await writeFile(path, lines.join(""));
}

interface DiskTrial {
  readonly random: Random;
  readonly nodeArgs: readonly string[];
  /** Whether a delete of all makes room, or the disk grows. */
  readonly isEmptied: boolean;
}

interface DiskFinding {
  readonly violations: readonly string[];
  readonly acknowledged: number;
  readonly refused: number;
  /** The number of the first request behind the room that was not refused. */
  readonly again: number;
}

async function tryDisk(
  disk: SmallDisk,
  historyPath: string,
  { random, nodeArgs, isEmptied }: DiskTrial,
): Promise<DiskFinding> {
  const ledger = new Ledger();
  ledger.settle(await readFile(historyPath, "utf8"));
  const { violations } = ledger;
  const writers = new Writers(ledger, random, { deleteShare: 0 });
  await using server = await startServer({ historyPath, nodeArgs });
  const readRest = await startReading(server.port);
  const follower = await follow(server.port, ledger);

  await writers.run(server.port, () => writers.refused.size >= refusalsEnough);
  const file = await readFile(historyPath, "utf8");
  violations.push(...judgeFull(file, ledger.acknowledged, writers.refused));
  if (!file.startsWith(await readRest())) violations.push("a reply that had started was not what the file held");

  if (isEmptied) violations.push(...(await emptied(server)));
  else disk.resize(pagesMax + pagesMore);
  const again = await untilWritten(server);
  if (again > requestsMax) violations.push(`none of ${requestsMax} requests was written, although there was room`);

  await server.kill("SIGTERM");
  await follower.gone;
  if (isEmptied) ledger.acknowledged.length = 0; // They were looked for above, and then deleted.
  const acknowledged = ledger.acknowledged.length;
  ledger.settle(await recover(historyPath));
  return { violations, acknowledged, refused: writers.refused.size, again };
}

/** No line is partial, everything acknowledged is there, and nothing that was refused. */
function judgeFull(file: string, acknowledged: readonly string[], refused: ReadonlyMap<string, string>): string[] {
  const entries = file.split("\n").map((line) => decodeEntry(line));
  const strange = entries.slice(0, -1).filter(({ kind }) => kind !== "request");
  const violations = strange.map((entry) => `a line that no client wrote: ${JSON.stringify(entry)}`);
  if (!file.endsWith("\n")) violations.push("the file ended within a line while the disk was full");
  const asked = new Set(entries.flatMap((entry) => (entry.kind === "request" ? [entry.message] : [])));
  const lost = acknowledged.filter((key) => !asked.has(key));
  violations.push(...lost.map((key) => `${key} was acknowledged and is lost`));
  for (const [key, sentence] of refused) {
    if (!fullSentence.test(sentence)) violations.push(`${key} got ${JSON.stringify(sentence)}`);
    if (asked.has(key)) violations.push(`${key} was refused, although it is in the history`);
  }
  return violations;
}

/** Deletes all, and gives what went wrong. */
async function emptied(server: ServerProgram): Promise<string[]> {
  const reply = await ask(server.port, "keeper 3");
  const violations = reply.endsWith("\nDeleted all.\n")
    ? []
    : [`a delete of all got ${JSON.stringify(reply.slice(-120))}`];
  const left = (await readFile(server.historyPath, "utf8")).trimEnd().split("\n");
  const [only = ""] = left;
  if (left.length === 1 && only.endsWith(" keeper deleted all")) return violations;
  return [...violations, `a delete of all left ${left.length} lines, the first of which is ${JSON.stringify(only)}`];
}

/** The number of the first request that is not refused any more. */
async function untilWritten(server: ServerProgram): Promise<number> {
  let request = 1;
  while ((await ask(server.port, "again")).includes("\nError: ") && request <= requestsMax) {
    request += 1;
    await wait(10);
  }
  return request;
}

/** Requests the whole history and reads only the header for now; the function that it returns reads the rest. */
async function startReading(port: number): Promise<() => Promise<string>> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {}); // `end` is then missing, and the reading is found to be cut.
  socket.write("reader 2\n");
  await once(socket, "readable");
  return async () => {
    const reply = await text(socket);
    return reply.slice(reply.indexOf("2026-01-01T"));
  };
}
