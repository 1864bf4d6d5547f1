/**
 * Whatever a test starts ends with it, also when the test fails, is interrupted or killed.
 *
 * A run of tests marks its environment, which all that it starts inherits. A guard in a session of its own ends what is left
 * once the run itself has ended, in whatever way: the system then closes the pipe between the two. `npm test` looks besides,
 * behind each of its checks, and fails when something is left. Where there is no /proc nothing of this is done.
 */

import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Not WIREBOOK_…, which tests keep from the programs that they start. */
export const mark = "TESTS_OF_WIREBOOK";
/** Milliseconds for a process to end that was told to, and between two looks at it. */
const endMsMax = 5000;
const lookMs = 50;

/** Begins a run of tests, unless this process belongs to one. Test runners call it as their global setup. */
// oxlint-disable-next-line import/no-default-export -- Playwright takes nothing else.
export default function beginRun() {
  // A program that tests start again and again is compiled once. The cache goes by the source itself, so a mutant has its own entry.
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("../.wirebook/compile-cache", import.meta.url));
  if (process.env[mark] || !existsSync("/proc/self/environ")) return;
  const run = `${process.cwd()} ${process.pid} ${Date.now()}`;
  const words = [fileURLToPath(import.meta.url), run];
  const guard = spawn(process.execPath, words, { detached: true, stdio: ["pipe", "ignore", "inherit"] });
  guard.on("error", () => {}); // Best effort: the tests run without it.
  guard.unref();
  guard.stdin.unref();
  process.env[mark] = run;
}

/** Ends the processes of a run that do not end by themselves in that time; returns the command line of each. */
export function endLeftovers(run = process.env[mark], waitMsMax = endMsMax) {
  if (!run) return [];
  for (let waitedMs = 0; waitedMs < waitMsMax && findMarked(run).length > 0; waitedMs += lookMs) pause();
  const left = findMarked(run);
  for (let tries = 0; tries < endMsMax / lookMs && findMarked(run).length > 0; tries++) {
    for (const { pid } of findMarked(run)) kill(pid);
    pause();
  }
  return left.map(({ command }) => command);
}

/** The processes that inherited the mark of a run; one that has ended and is not yet taken note of is none. */
function findMarked(run) {
  const own = `${mark}=${run}`;
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(own)) return [];
      return [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() }];
    } catch {
      return []; // Ended meanwhile, or somebody else's.
    }
  });
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

function pause() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookMs);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdin.resume().on("end", () => {
    for (const command of endLeftovers(process.argv[2])) console.error(`wirebook: a test left this behind: ${command}`);
  });
}
