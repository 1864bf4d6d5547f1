/** The child of the fault test `torn-tail`: cuts a file at each of its last bytes and opens it. */

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { json } from "node:stream/consumers";
import { openFileHistory } from "@wirebook/history";
import { encodeRequestEntry, encodeResultEntry, encodeTime } from "@wirebook/protocol";
import { Random } from "../../../test-support/random.ts";

/** The trial, as JSON on standard input; the finding goes to standard output. */
export interface ChildTrial {
  readonly count: number;
  readonly seed: number;
  readonly folder: string;
}

const startUs = Date.UTC(2026, 10, 22) * 1000;
const messageBytesMax = 120;

const { count, seed, folder } = (await json(process.stdin)) as ChildTrial;
const random = new Random(seed);
const path = join(folder, "history.txt");
const lines = createLines(count);
const whole = Buffer.from(lines.map((line) => `${line}\n`).join(""));
const isLine = new Set(lines);
const violations: string[] = [];
for (let cut = 1; cut <= count; cut++) await tryCut(whole.subarray(0, whole.length - cut));
process.stdout.write(
  JSON.stringify({ tried: count, checked: "the file and what was kept beside compared", violations }),
);

/** Lines of all kinds of ours, somewhat more of them than will be cut. */
function createLines(bytes: number): readonly string[] {
  const made: string[] = [];
  for (let length = 0; length < bytes + 1000; length += (made.at(-1) as string).length + 1) {
    const time = encodeTime(startUs + made.length);
    made.push(random.chance(0.2) ? createResult(time) : createRequest(time));
  }
  return made;
}

function createRequest(time: string): string {
  const text = Buffer.from(random.bytes(random.below(messageBytesMax))).toString("latin1");
  return encodeRequestEntry(time, "127.0.0.1", text, random.chance(0.1));
}

function createResult(time: string): string {
  const isAll = random.chance(0.3);
  return encodeResultEntry(
    time,
    "::1",
    "brick",
    isAll ? { verb: "deleted-all" } : { verb: "deleted-line", line: 7, head: time },
  );
}

async function tryCut(bytes: Uint8Array): Promise<void> {
  const text = Buffer.from(bytes).toString("utf8");
  const end = text.lastIndexOf("\n") + 1;
  const partial = text.slice(end);
  // A line that lacks nothing but its line feed, or the mark of a cut message as well, is a whole line.
  const isWhole = isLine.has(partial) || isLine.has(`${partial} (cut)`);
  await rm(`${path}.broken`, { force: true });
  await writeFile(path, bytes);
  const history = await openFileHistory(path);
  await history[Symbol.asyncDispose]();
  const kept = await readFile(path, "utf8");
  const broken = await readFile(`${path}.broken`, "utf8").catch(() => "");
  const wanted = isWhole ? `${text}\n` : text.slice(0, end);
  const wantedBroken = isWhole || partial === "" ? "" : `${partial}\n`;
  if (kept !== wanted)
    violations.push(`cut at byte ${bytes.length}, ${kept.length} characters are left of ${wanted.length}`);
  if (broken !== wantedBroken)
    violations.push(`cut at byte ${bytes.length}, ${JSON.stringify(broken)} was kept beside`);
}
