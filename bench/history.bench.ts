import { createWriteStream } from "node:fs";
import { copyFile, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { run as runProgram } from "../test-support/run.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { compareInTurn, encodeTable, median } from "./harness/compare.ts";
import type { Worked } from "./harness/history-work.ts";

const manyLines = 10_000_000;
const someLines = 1_000_000;
const linesAtOnce = 100_000;

export const bench: Bench = {
  question: "opening, reading and deleting in a large history, against wc and sed on the same file",
  run,
};

async function run(options: BenchOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-bench-"));
  try {
    const path = join(folder, "history.txt");
    await writeLines(path, manyLines);
    await compareOpening(path, options);
    await comparePages(path, options);
    await writeLines(path, someLines);
    await compareDeletes(path, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compareOpening(path: string, { rounds, say }: BenchOptions): Promise<void> {
  const memory: number[] = [];
  const compared = await compareInTurn(["wc -l", "Wirebook"], rounds, async (at) => {
    if (at === 0) return timeProgram("wc", ["-l", path]);
    const { ms, peakMiB } = await work("open", path);
    memory.push(peakMiB - (await work("nothing", path)).peakMiB);
    return ms;
  });
  say(encodeTable(`opening ${manyLines.toLocaleString("en")} lines`, "ms", compared));
  say(`Memory beyond Node's own: ${median(memory).toFixed(0)} MiB\n`);
}

async function comparePages(path: string, { rounds, say }: BenchOptions): Promise<void> {
  const middle = manyLines / 2;
  const compared = await compareInTurn(["sed -n", "Wirebook"], rounds, async (at) => {
    if (at === 0) return timeProgram("sed", ["-n", `${middle},${middle + 999}p;${middle + 999}q`, path]);
    return (await work("pages", path)).ms;
  });
  say(encodeTable("a page of 1,000 of them", "ms", compared));
}

async function compareDeletes(path: string, { rounds, say }: BenchOptions): Promise<void> {
  const victim = `${path}.victim`;
  const beside: Worked[] = [];
  const names = ["sed -i", "Wirebook", "Wirebook, while 16 clients append"];
  const compared = await compareInTurn(names, rounds, async (at) => {
    await copyFile(path, victim);
    await syncFile(victim);
    if (at === 0) return timeProgram("sed", ["-i", `${someLines / 2}d`, victim]);
    const worked = await work(at === 1 ? "delete" : "delete-beside", victim);
    if (at === 2) beside.push(worked);
    return worked.ms;
  });
  say(encodeTable(`deleting one of ${someLines.toLocaleString("en")} lines`, "ms", compared));
  const figure = (pick: (appends: NonNullable<Worked["appends"]>) => number): string =>
    `${median(beside.flatMap(({ appends }) => (appends === undefined ? [] : [pick(appends)]))).toFixed(1)} ms`;
  const alone = figure(({ p99Alone }) => p99Alone);
  const longest = figure(({ maxBeside }) => maxBeside);
  say(`Appends: p99 ${alone} alone, ${figure(({ p99Beside }) => p99Beside)} beside a delete, the longest ${longest}`);
  const own = (await work("nothing", path)).peakMiB;
  say(`Memory beyond Node's own: ${(median(beside.map(({ peakMiB }) => peakMiB)) - own).toFixed(0)} MiB\n`);
}

async function work(name: string, path: string): Promise<Worked> {
  const script = fileURLToPath(new URL("harness/history-work.ts", import.meta.url));
  const { code, stdout, stderr } = await runProgram(process.execPath, [script, name, path]);
  if (code !== 0) throw new Error(`the work "${name}" ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Worked;
}

async function timeProgram(command: string, words: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const { code, stderr } = await runProgram(command, words);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr}`);
  return performance.now() - startedMs;
}

/** Writes lines of some 70 bytes, durably, so that no measurement pays for that. */
async function writeLines(path: string, count: number): Promise<void> {
  const startUs = Date.UTC(2026, 10, 22) * 1000;
  const pieces = function* (): Generator<string> {
    for (let line = 0; line < count; line += linesAtOnce) {
      const lines = Array.from({ length: linesAtOnce }, (_, at) =>
        encodeRequestEntry(
          encodeTime(startUs + (line + at) * 1000),
          "127.0.0.1",
          `otter-42 2 ${10_000_000 + line + at} ${10_000_999 + line + at}`,
          false,
        ),
      );
      yield `${lines.join("\n")}\n`;
    }
  };
  await pipeline(Readable.from(pieces()), createWriteStream(path));
  await syncFile(path);
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path);
  await file.sync();
}
