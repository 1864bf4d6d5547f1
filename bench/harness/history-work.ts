/**
 * One piece of work on a history, in a process of its own, so that its memory and its first run are measured as well.
 *
 *     node history-work.ts WORK PATH      prints the work's `Worked` in a line of JSON
 *
 * Works: `nothing` (what Node itself takes), `open`, `pages` (1,000 lines anywhere), `delete` (the middle line) and
 * `delete-beside` (the same while clients append).
 */

import process from "node:process";
import { openFileHistory } from "@wirebook/history";
import type { History } from "@wirebook/history";
import { median } from "./compare.ts";
import { Random } from "../../test-support/random.ts";

/** What a work took. */
export interface Worked {
  /** Of a page the median. */
  readonly ms: number;
  /** The most memory that the process had. */
  readonly peakMiB: number;
  /** Of appends, in milliseconds. */
  readonly appends?: { readonly p99Alone: number; readonly p99Beside: number; readonly maxBeside: number };
}

const pages = 300;
const pageLines = 1000;
const clients = 16;
/** Appends before a delete starts, from which their own p99 is taken. */
const appendsAlone = 5000;
const actor = { user: "brick", address: "127.0.0.1" };

const works: Readonly<Record<string, (path: string) => Promise<Omit<Worked, "peakMiB">>>> = {
  nothing: async () => ({ ms: 0 }),
  open: async (path) => {
    const startedMs = performance.now();
    await using history = await openFileHistory(path);
    return { ms: performance.now() - startedMs, lines: history.size().lines };
  },
  pages: async (path) => {
    await using history = await openFileHistory(path);
    const random = new Random(1);
    const times: number[] = [];
    for (let page = 0; page < pages; page++) times.push(await timePage(history, random));
    return { ms: median(times) };
  },
  delete: async (path) => {
    await using history = await openFileHistory(path);
    return { ms: await timeDelete(history) };
  },
  "delete-beside": deleteBeside,
};

async function timePage(history: History, random: Random): Promise<number> {
  const from = random.between(1, history.size().lines - pageLines);
  const startedMs = performance.now();
  for await (const chunk of (await history.read({ from, to: from + pageLines - 1 })).chunks) void chunk;
  return performance.now() - startedMs;
}

async function timeDelete(history: History): Promise<number> {
  const startedMs = performance.now();
  await history.deleteLine(actor, Math.floor(history.size().lines / 2));
  return performance.now() - startedMs;
}

async function deleteBeside(path: string): Promise<Omit<Worked, "peakMiB">> {
  await using history = await openFileHistory(path);
  const alone: number[] = [];
  const beside: number[] = [];
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  let isDone = false;
  let times = alone;
  const append = async (): Promise<void> => {
    while (!isDone) {
      const startedMs = performance.now();
      await history.append({ address: "127.0.0.1", message: "brick", isCut: false });
      times.push(performance.now() - startedMs);
      if (alone.length >= appendsAlone) resolve();
    }
  };
  const appending = Promise.all(Array.from({ length: clients }, append));
  await enough;
  times = beside;
  const ms = await timeDelete(history);
  isDone = true;
  await appending;
  return { ms, appends: { p99Alone: p99(alone), p99Beside: p99(beside), maxBeside: Math.max(...beside) } };
}

function p99(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] as number;
}

const [name = "", path = ""] = process.argv.slice(2);
const worked = await works[name]?.(path);
process.stdout.write(`${JSON.stringify({ ...worked, peakMiB: process.resourceUsage().maxRSS / 1024 })}\n`);
