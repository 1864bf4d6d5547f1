/**
 * One history, one process [H-14], by an exclusive flock(2) lock.
 *
 * The owner holds the lock of `history.txt.lock`. The kernel gives it to one open file only, and takes it back when its
 * process ends, in whatever way: there is no stale lock. The file stays when the lock is gone: removing it would let two
 * processes lock two files of one name. It cannot be history.txt itself, which a delete replaces.
 *
 * Node has no flock. The lock belongs to what open(2) returned, which a child process inherits: the program `flock`
 * (util-linux, busybox) locks our open file and exits, and the lock stays with us.
 */

import { spawn } from "node:child_process";
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { kill, pid } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { HistoryError } from "../errors.ts";
import { codeOf, fileModeDefault, reasonOf } from "./disk.ts";

/** Milliseconds for which a second process waits to learn by whom a history is owned; it is refused in any case. */
const ownerNameWaitMs = 2000;

const ownerPollMs = 10;

/** Makes a history this process's own, by its real path; returns what lets another process have it. */
export async function takeOwnership(path: string): Promise<() => void> {
  const lockPath = `${path}.lock`;
  const fd = await openLocked(lockPath, fileModeDefault).catch((error: unknown) => {
    throw new HistoryError("storage-failed", `${lockPath} cannot be locked: ${reasonOf(error)}`, { cause: error });
  });
  if (fd === undefined) {
    const whose = await describeOwner(lockPath);
    throw new HistoryError("in-use", `${path} is in use by ${whose}; stop that one, or choose another file`);
  }
  writeOwner(fd, `${pid}\n`);
  return () => {
    writeOwner(fd, "");
    closeSync(fd);
  };
}

/** Best effort: the process id is for the sentence that others get, the lock does not depend on it. */
function writeOwner(fd: number, text: string): void {
  try {
    ftruncateSync(fd, 0);
    writeSync(fd, text, 0);
  } catch {
    // The disk is full; the sentence will speak of another process.
  }
}

/** The owner's process id, for which its start may have to be awaited. */
async function describeOwner(lockPath: string): Promise<string> {
  const deadline = performance.now() + ownerNameWaitMs;
  while (performance.now() < deadline) {
    const owner = Number.parseInt(readFileSync(lockPath, "latin1"), 10);
    if (owner > 0 && isRunning(owner)) return `process ${owner}`;
    await pause(ownerPollMs);
  }
  return "another process";
}

function isRunning(owner: number): boolean {
  try {
    return kill(owner, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** Opens or creates a file, and locks it until the descriptor is closed. `undefined` when another one has the lock all the time. */
export async function openLocked(path: string, mode: number, waitMs = 0): Promise<number | undefined> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, mode);
  let isLocked = false;
  try {
    isLocked = await lock(fd, waitMs);
    return isLocked ? fd : undefined;
  } finally {
    if (!isLocked) closeSync(fd);
  }
}

/** Runs `flock` on an open file, as its descriptor 3; false when another open file holds the lock. */
function lock(fd: number, waitMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // A program that waits is ended in time by us: busybox knows no time limit.
    const child = spawn("flock", waitMs > 0 ? ["-x", "3"] : ["-x", "-n", "3"], {
      stdio: ["ignore", "ignore", "pipe", fd],
      ...(waitMs > 0 ? { timeout: waitMs } : {}),
    });
    let complaint = "";
    child.stderr?.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === "ENOENT";
      reject(isMissing ? new Error("the program flock is missing; install util-linux", { cause: error }) : error);
    });
    child.on("close", (status, signal) => {
      if (status === 0) resolve(true);
      else if (child.killed || (status === 1 && complaint === "")) resolve(false);
      else reject(new Error(complaint.trim() || `flock ended with ${status ?? signal}`));
    });
  });
}
