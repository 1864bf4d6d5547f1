/** Whether a gateway is as well as before: its process, its log, its memory and its descriptors. */

import { readdir, readlink } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import type { Program } from "../../test-support/program.ts";

/** Bounds a hang, on a machine that is busy with other work as well. */
const settleMsMax = 60_000;
const lookMs = 50;

/** What should never be: an end of the process, or a mistake of its own in the log. */
export function ailments(gateway: Program, pid: number): string[] {
  const mistakes = gateway.stdout.filter((line) => line.includes('"event":"mistake"'));
  const ended = isAlive(pid) ? [] : [`the gateway ended: ${gateway.stderr.slice(0, 5).join(" | ")}`];
  return [...ended, ...mistakes.slice(0, 3).map((line) => `the gateway made a mistake: ${line.slice(0, 300)}`)];
}

/** True while that process runs. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // There is no such process any more.
  }
}

/** Descriptors that a process holds; 0 when it has ended. */
export async function descriptorsOf(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length;
}

/** Those of its descriptors that are sockets. */
export async function socketsOf(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  // One that was closed meanwhile is none.
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return links.filter((link) => link.startsWith("socket:")).length;
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
