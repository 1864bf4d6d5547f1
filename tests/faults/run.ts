/**
 * `npm run fault-tests -- NAME… [--full] [--ci] [--count N] [--seed N] [--without-control]`
 *
 * Runs each fault test and then its controls, and prints one line for each: what was tried, how often, what was lost.
 * Ends with 1 when a promise was broken or a control was not noticed.
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import beginRun from "../../scripts/leftovers.mjs";
import { findModules, pickModules } from "../../bench/harness/modules.ts";
import type { FaultTest, Control } from "./framework/fault-test.ts";
import { unmet } from "./framework/needs.ts";
import { tryOut } from "./framework/trial.ts";
import type { Tried } from "./framework/trial.ts";

const breachesShownMax = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ci: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    count: { type: "string" },
    seed: { type: "string" },
    "without-control": { type: "boolean", default: false },
  },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const all = await findModules(new URL("./", import.meta.url), ".fault.ts");
const names = positionals.length > 0 ? positionals : values.ci ? [...all.keys()] : [];
if (names.length === 0) {
  say(`Usage: npm run fault-tests -- NAME… [--full] [--count N] [--seed N] [--without-control], or --ci`);
  say(`Names: ${[...all.keys()].join(", ")}`);
  process.exit(2);
}

// A program that a trial starts again and again is compiled once; the cache knows a source by what is in it, so also a broken one.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../../.wirebook/compile-cache", import.meta.url));
beginRun();
const startedMs = performance.now();
const seed = Number(values.seed ?? Date.now() % 0x1_0000_0000);
let failed = 0;
const skipped: string[] = [];
for (const [name, url] of pickModules(all, names)) {
  const { faultTest } = (await import(url.href)) as { faultTest: FaultTest };
  if (positionals.length > 0 || faultTest.isInCi) failed += await runFaultTest(name, faultTest);
}
const tookSeconds = ((performance.now() - startedMs) / 1000).toFixed(0);
if (skipped.length > 0) say(`SKIPPED, and so not known to hold here: ${skipped.join("; ")}`);
say(`${failed === 0 ? "all that was tried held" : `${failed} did not come out as they should`}; ${tookSeconds} s`);
process.exit(failed === 0 ? 0 : 1);

/** Returns how many of its runs did not come out as they should. */
async function runFaultTest(name: string, faultTest: FaultTest): Promise<number> {
  const missing = unmet(faultTest.needs);
  if (missing.length > 0) {
    skipped.push(`${name} (no ${missing.join(", no ")})`);
    say(`${name}: SKIPPED, because this machine has no ${missing.join(", no ")}`);
    return 0;
  }
  const count = Number(values.count ?? usualCount(faultTest));
  const tried = await attempt(name, faultTest, undefined, count);
  say(`${name}: ${describe(faultTest, tried)}; ${tried.breaches.length === 0 ? "held" : "BROKEN"}`);
  showBreaches(tried);
  let bad = tried.breaches.length === 0 ? 0 : 1;
  for (const control of values["without-control"] ? [] : faultTest.controls) {
    const broken = await attempt(name, faultTest, control, control.count);
    const isNoticed = broken.breaches.length > 0;
    say(
      `${name}, control with ${control.name}: ${describe(faultTest, broken)}; ${isNoticed ? "noticed" : "NOT NOTICED"}`,
    );
    if (isNoticed) say(`    ${broken.breaches[0]}`);
    else bad += 1;
  }
  return bad;
}

function usualCount({ first, ci, full }: FaultTest): number {
  if (values.full) return full;
  return values.ci ? (ci ?? first) : first;
}

async function attempt(
  name: string,
  faultTest: FaultTest,
  control: Control | undefined,
  count: number,
): Promise<Tried> {
  const progress = (done: number): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${done} of ${count} `);
  };
  try {
    return await tryOut(faultTest, control, { count, seed, progress });
  } catch (error) {
    throw new Error(`${name} could not be carried out (seed ${seed})`, { cause: error });
  } finally {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }
}

function describe({ unit }: FaultTest, { tried, checked, breaches, figures, seconds }: Tried): string {
  const measured = Object.entries(figures ?? {}).map(([what, figure]) => `${what} ${figure}`);
  const parts = [`${tried.toLocaleString("en")} ${unit}`, checked, `${breaches.length} breaches`, ...measured];
  return `${parts.join("; ")}; ${seconds.toFixed(1)} s; seed ${seed}`;
}

function showBreaches({ breaches }: Tried): void {
  for (const breach of breaches.slice(0, breachesShownMax)) say(`    ${breach}`);
  if (breaches.length > breachesShownMax) say(`    … and ${breaches.length - breachesShownMax} more`);
}
