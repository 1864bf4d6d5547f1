import { setTimeout as wait } from "node:timers/promises";
import type { Program } from "../../../test-support/program.ts";

/** Bounds a hang, on a machine that is busy with other work as well. */
const settleMsMax = 60_000;
const lookMs = 50;
/** Milliseconds without a change after which it is assumed that there is none any more. */
const stillMs = 1000;

/** What must never happen to a gateway: its process ends, or its log tells of an internal error. */
export function failuresOf({ pid, stdout, stderr }: Program): string[] {
  const errors = stdout.filter((line) => line.includes('"event":"internal-error"'));
  const ended = isAlive(pid as number) ? [] : [`the gateway ended: ${stderr.slice(0, 5).join(" | ")}`];
  return [...ended, ...errors.slice(0, 3).map((line) => `the gateway had an internal error: ${line.slice(0, 300)}`)];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // There is no such process any more.
  }
}

/** Looks again and again until it holds, but no longer than `withinMs`; says whether it did. */
export async function becomes(holds: () => boolean | Promise<boolean>, withinMs = settleMsMax): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) return false;
    await wait(lookMs);
  }
  return true;
}

/** Waits until nothing flows any more. */
export async function becomesStill(total: () => number): Promise<void> {
  let last = -1;
  let sinceMs = performance.now();
  await becomes(() => {
    if (total() === last) return performance.now() - sinceMs > stillMs;
    last = total();
    sinceMs = performance.now();
    return false;
  });
}
