/**
 * `npm run fault-tests -- NAME… [--full] [--ci] [--count N] [--seed N] [--without-controls]`
 *
 * Runs each fault test and then its negative controls, and prints one line for each: what was tried, how often, and
 * what was found. Ends with 1 when a promise did not hold or a negative control was not noticed.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import beginRun from "../../scripts/leftovers.mjs";
import type { FaultTest, NegativeControl } from "./framework/fault-test.ts";
import { loadFaultTests } from "./framework/load.ts";
import { unmet } from "./framework/needs.ts";
import { describeControl, tryOut } from "./framework/trial.ts";
import type { Tried } from "./framework/trial.ts";

const violationsShownMax = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ci: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    count: { type: "string" },
    seed: { type: "string" },
    "without-controls": { type: "boolean", default: false },
  },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const all = await loadFaultTests();
const names = positionals.length > 0 ? positionals : values.ci ? [...all.keys()] : [];
if (names.length === 0) {
  say(`Usage: npm run fault-tests -- NAME… [--full] [--count N] [--seed N] [--without-controls], or --ci`);
  say(`Names: ${[...all.keys()].join(", ")}`);
  process.exit(2);
}

beginRun();
const startedMs = performance.now();
const seed = Number(values.seed ?? Date.now() % 0x1_0000_0000);
/** What failed, said once more at the end, since the tests behind it print hundreds of lines. */
const failed: string[] = [];
const skipped: string[] = [];
for (const name of names) {
  const faultTest = all.get(name);
  if (faultTest === undefined) refuse(`unknown fault test ${name}; names: ${[...all.keys()].join(", ")}`);
  if (positionals.length > 0 || faultTest.isInCi) await runFaultTest(name, faultTest);
}
const tookSeconds = ((performance.now() - startedMs) / 1000).toFixed(0);
if (skipped.length > 0) say(`SKIPPED, so not tested here: ${skipped.join("; ")}`);
for (const each of failed) say(`FAILED: ${each}`);
say(`${failed.length === 0 ? "all promises held" : `${failed.length} FAILED`}; ${tookSeconds} s`);
process.exit(failed.length === 0 ? 0 : 1);

function refuse(message: string): never {
  say(message);
  process.exit(2);
}

async function runFaultTest(name: string, faultTest: FaultTest): Promise<void> {
  const missing = unmet(faultTest.needs);
  if (missing.length > 0) {
    skipped.push(`${name} (no ${missing.join(", no ")})`);
    say(`${name}: SKIPPED: this machine has no ${missing.join(", no ")}`);
    return;
  }
  const count = Number(values.count ?? usualCount(faultTest));
  const tried = await attempt(name, faultTest, undefined, count);
  const hasHeld = tried.violations.length === 0;
  say(`${name}: ${describe(faultTest, tried)}; ${hasHeld ? "held" : "VIOLATED"}`);
  showViolations(tried);
  if (!hasHeld) failed.push(`${name}: ${tried.violations.length} violations, the first: ${tried.violations[0]}`);
  for (const control of values["without-controls"] ? [] : faultTest.negativeControls) {
    const broken = await attempt(name, faultTest, control, control.count);
    const [first] = broken.violations;
    const verdict = first === undefined ? "NOT NOTICED" : "noticed";
    say(`${name}, negative control, ${describeControl(control)}: ${describe(faultTest, broken)}; ${verdict}`);
    if (first === undefined) failed.push(`${name}: this negative control was not noticed: ${describeControl(control)}`);
    else say(`    ${first}`);
  }
}

function usualCount({ first, ci, full }: FaultTest): number {
  if (values.full) return full;
  return values.ci ? (ci ?? first) : first;
}

async function attempt(
  name: string,
  faultTest: FaultTest,
  control: NegativeControl | undefined,
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

function describe({ unit }: FaultTest, { tried, checked, violations, figures, seconds }: Tried): string {
  const measured = Object.entries(figures ?? {}).map(([what, figure]) => `${what} ${figure}`);
  const parts = [`${tried.toLocaleString("en")} ${unit}`, checked, `${violations.length} violations`, ...measured];
  return `${parts.join("; ")}; ${seconds.toFixed(1)} s; seed ${seed}`;
}

function showViolations({ violations }: Tried): void {
  for (const violation of violations.slice(0, violationsShownMax)) say(`    ${violation}`);
  if (violations.length > violationsShownMax) say(`    … and ${violations.length - violationsShownMax} more`);
}
