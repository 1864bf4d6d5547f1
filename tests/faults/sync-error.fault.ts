/** An fdatasync that fails once, by strace, under writers. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { Ledger } from "./history/ledger.ts";
import { failsWithin, recover } from "./history/storm.ts";
import { Writers } from "./history/writers.ts";

/** Bounds a hang: a server that has not stopped by then is killed, and has broken its promise. */
const endMsMax = 120_000;
/** Of a negative control, which does not stop. */
const controlMsMax = 5000;
/** Enough of each write for strace to show all lines of a batch. */
const shownBytes = 65_536;

export const faultTest: FaultTest = {
  promise:
    "a failed fdatasync is never an acknowledgement and never tried again; the server stops, and the next one is clean",
  unit: "failed syncs",
  first: 50,
  ci: 6,
  full: 500,
  isInCi: true,
  needs: ["strace"],
  negativeControls: [{ mutant: "retried-sync", count: 1 }],
  run,
};

async function run({ count, random, folder, nodeArgs, isControl, progress }: Trial): Promise<Finding> {
  const violations: string[] = [];
  let checked = 0;
  let slowestMs = 0;
  for (let at = 1; at <= count; at++) {
    const historyPath = join(folder, `history-${at}.txt`);
    const log = join(folder, `strace-${at}.log`);
    const ledger = new Ledger();
    const writers = new Writers(ledger, random, { deleteShare: 0 });
    const inject = `inject=fdatasync:error=EIO:when=${at}`;
    const trace = ["-e", "trace=fdatasync,fsync,pwrite64", "-e", inject];
    const under = ["strace", "-f", "-ttt", "-s", String(shownBytes), "-o", log, ...trace];
    const starting = startServer({ historyPath, nodeArgs, under });
    const isByItself = await failsWithin(starting, isControl ? controlMsMax : endMsMax, ledger, writers);
    const endedMs = Date.now();
    const found = judge(await readFile(log, "utf8"), ledger.acknowledged, endedMs);
    if (!isByItself) violations.push(`sync ${at}: it went on until it was killed`);
    slowestMs = Math.max(slowestMs, found.exitMs);
    checked += ledger.acknowledged.length;
    violations.push(...found.violations.map((violation) => `sync ${at}: ${violation}`));
    ledger.settle(await recover(historyPath));
    violations.push(...ledger.violations.map((violation) => `sync ${at}, next start: ${violation}`));
    progress(at);
  }
  const figures = { "until the exit at most ms": slowestMs.toFixed(0) };
  const what = `${checked.toLocaleString("en")} acknowledgements held against strace's log`;
  return { tried: count, checked: what, violations, figures };
}

/** Nothing is synced behind the failure, and no client was told of a line that was written to be synced by it, or later. */
function judge(
  log: string,
  acknowledged: readonly string[],
  endedMs: number,
): { violations: readonly string[]; exitMs: number } {
  const lines = log.split("\n");
  const failed = lines.findIndex((line) => line.includes("EIO") && line.includes("fdatasync"));
  if (failed < 0) return { violations: ["the failure did not come about"], exitMs: 0 };
  const written = lines.slice(lastSyncBefore(lines, failed) + 1).join("\n");
  const violations = acknowledged
    .filter((key) => written.includes(`\\"${key}\\"`))
    .map((key) => `${key} was acknowledged, although its sync had failed`);
  const again = lines.slice(failed + 1).filter((line) => /f(?:data)?sync\(/.test(line));
  violations.push(...again.map((line) => `it synced again: ${line}`));
  const exitMs = endedMs - Number(lines[failed]?.split(/\s+/)[1]) * 1000;
  return { violations, exitMs };
}

function lastSyncBefore(lines: readonly string[], failed: number): number {
  return lines.slice(0, failed).findLastIndex((line) => line.includes("fdatasync("));
}
