/**
 * One history, one process [H-14].
 *
 * The owner holds an exclusive flock(2) lock on `history.txt.lock`. The kernel gives it to one process only, however
 * many start at once, and takes it back when that process ends, in whatever way; so there is no stale lock to judge and
 * no guessing from process ids, which are used again and mean nothing in another container. The file stays when the
 * lock is gone: removing it would let two processes lock two files of one name. It cannot be history.txt itself, which
 * a delete replaces. How a lock is taken is lock.ts's concern.
 */

import { closeSync, ftruncateSync, readFileSync, writeSync } from "node:fs";
import { kill, pid } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { HistoryError } from "../errors.ts";
import { fileModeDefault, ownerNameWaitMs, ownerPollMs } from "../limits.ts";
import { reasonOf } from "./disk.ts";
import { openLocked } from "./lock.ts";

/** A history that belongs to this process. */
export interface Ownership {
  /** Lets another process have it. */
  release(): void;
}

/**
 * Makes a history this process's own.
 *
 * @param path its real path: all names of one file must lead to one lock
 * @throws HistoryError `in-use` when another process, or this one, has it open; `storage-failed` when nobody can know
 */
export async function takeOwnership(path: string): Promise<Ownership> {
  const lockPath = `${path}.lock`;
  const fd = await open(lockPath);
  if (fd === undefined) {
    const owner = await readOwner(lockPath);
    const whose = owner === undefined ? "another process" : `process ${owner}`;
    throw new HistoryError("in-use", `${path} is in use by ${whose}; stop that one, or choose another file`);
  }
  writeOwner(fd, `${pid}\n`);
  return {
    release() {
      writeOwner(fd, "");
      closeSync(fd);
    },
  };
}

async function open(lockPath: string): Promise<number | undefined> {
  try {
    return await openLocked(lockPath, fileModeDefault);
  } catch (error) {
    throw new HistoryError("storage-failed", `${lockPath} cannot be locked: ${reasonOf(error)}`, { cause: error });
  }
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

/** The owner's process id, for which its start may have to be awaited; `undefined` when it cannot be known. */
async function readOwner(lockPath: string): Promise<number | undefined> {
  const deadline = performance.now() + ownerNameWaitMs;
  for (;;) {
    const owner = Number.parseInt(readFileSync(lockPath, "latin1"), 10);
    if (owner > 0 && isRunning(owner)) return owner;
    if (performance.now() > deadline) return undefined;
    await pause(ownerPollMs);
  }
}

function isRunning(owner: number): boolean {
  try {
    return kill(owner, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
