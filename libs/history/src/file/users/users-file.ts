/**
 * The file users.txt itself: how it is read, locked and replaced [U-1], [U-3].
 *
 * It is only ever replaced whole, by a file beside it that was synced before, so that a reader needs no lock and a
 * crash leaves the old file or the new one. Who replaces it holds the lock of `users.txt.lock` from the reading to the
 * renaming, so that no two writers start from the same state.
 */

import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import type { BigIntStats } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { usersFileBytesMax, usersFileMode, usersLockPollMs, usersLockWaitMs } from "../../limits.ts";
import { UsersError } from "../../users.ts";
import { isMissing, reasonOf, syncFileSync, syncFolderOf, writeFullySync } from "../disk.ts";
import { openLocked } from "../lock.ts";
import { decodeUsers } from "./format.ts";
import type { UserTable } from "./format.ts";

/** Names one state of the file; a file that does not exist has one too. */
export type Version = string;

/** The path of the users of a history: beside the file to which the history's name leads at last. */
export function usersPathBeside(historyPath: string): string {
  const real = statSync(historyPath, { throwIfNoEntry: false }) === undefined ? historyPath : realpathSync(historyPath);
  const path = join(dirname(real), "users.txt");
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

/** Tells one state of the file from another without reading it. */
export function versionOf(path: string): Version {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? "missing" : describe(stats);
}

/**
 * Reads the file.
 *
 * @throws UsersError `users-failed`
 */
export function readTable(path: string): UserTable {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return { lines: [], byName: new Map() };
    if (!stats.isFile()) throw new Error("it is no regular file");
    if (stats.size > usersFileBytesMax) {
      throw new Error(`it has ${stats.size} bytes and the limit is ${usersFileBytesMax}`);
    }
    return decodeUsers(path, readFileSync(path, "utf8"));
  } catch (error) {
    throw explain(error, `${path} cannot be read`);
  }
}

/** Takes from everybody but its owner what a file with wrong permissions gave them. True when there was something. */
export function closeToOthers(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || (stats.mode & 0o077) === 0) return false;
  chmodSync(path, usersFileMode);
  return true;
}

/** Runs some work while no other process changes the file. @throws UsersError `users-busy`, `users-failed` */
export async function withLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const fd = await lock(`${path}.lock`);
  try {
    return await work();
  } finally {
    closeSync(fd);
  }
}

/**
 * Replaces the file by these lines, durably.
 *
 * @param confirm awaited when the new file is whole and synced and only the renaming is left; its rejection undoes all
 * @throws UsersError `users-failed`; what `confirm` rejects with
 */
export async function replace(path: string, lines: readonly string[], confirm: () => Promise<unknown>): Promise<void> {
  const next = `${path}.next`;
  try {
    writeNext(path, next, `${lines.join("\n")}\n`);
    await confirm();
    publish(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

/** The `UsersError` for what a step on the disk threw. */
export function explain(error: unknown, what: string): UsersError {
  if (error instanceof UsersError) return error;
  return new UsersError("users-failed", `${what}: ${reasonOf(error)}`, { cause: error });
}

function writeNext(path: string, next: string, text: string): void {
  const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;
  try {
    const fd = openSync(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, usersFileMode);
    try {
      fchmodSync(fd, usersFileMode);
      writeFullySync(fd, 0, Buffer.from(text));
      syncFileSync(fd);
    } finally {
      closeSync(fd);
    }
    giveToOwner(next, path);
  } catch (error) {
    throw explain(error, `${next} cannot be written`);
  }
}

function publish(next: string, path: string): void {
  try {
    renameSync(next, path);
    syncFolderOf(path);
  } catch (error) {
    throw explain(error, `${path} cannot be replaced`);
  }
}

async function lock(lockPath: string): Promise<number> {
  const deadline = performance.now() + usersLockWaitMs;
  try {
    for (;;) {
      const fd = await openLocked(lockPath, usersFileMode);
      if (fd !== undefined) {
        giveToOwner(lockPath, lockPath);
        return fd;
      }
      if (performance.now() > deadline) break;
      await pause(usersLockPollMs);
    }
  } catch (error) {
    const what = isMissing(error) ? `the folder of ${lockPath} does not exist` : `${lockPath} cannot be locked`;
    throw explain(error, what);
  }
  const seconds = usersLockWaitMs / 1000;
  throw new UsersError("users-busy", `${lockPath} was held by another process for ${seconds} s; try again`);
}

/** When root makes the file for a server that runs as somebody else, that server must be able to read it. */
function giveToOwner(made: string, model: string): void {
  const like = statSync(model, { throwIfNoEntry: false });
  const { uid, gid } = like === undefined || made === model ? statSync(dirname(made)) : like;
  const own = statSync(made);
  if (own.uid === uid && own.gid === gid) return;
  try {
    chownSync(made, uid, gid);
  } catch {
    // Best effort: only root may give a file away; the process that runs can read it in any case.
  }
}

/** Of a file whose permissions change only the mode tells. */
function describe({ dev, ino, size, mtimeNs, mode }: BigIntStats): Version {
  return [dev, ino, size, mtimeNs, mode].join(":");
}
