/**
 * The file users.txt [U-2]: a user a line, five words, the newest last; and how it is read, locked and replaced [U-1], [U-3].
 *
 *     otter-42 member sha256:9f86d081884c7d65… 2026-11-22T20:31:05.123Z brick
 *     NAME     ROLE   HASH                     CREATED                  BY
 *
 * Empty lines and lines that begin with `#` mean nothing and are kept. Anything else is an error: to skip a line that
 * cannot be read would accept, or refuse, the wrong users.
 *
 * The file is only ever replaced whole, by a file beside it that was synced before, so that a reader needs no lock and a
 * crash leaves the old file or the new one. Who replaces it holds the lock of `users.txt.lock` from the reading to the
 * renaming, so that no two writers start from the same state.
 */

import { chmodSync, closeSync, constants, fchmodSync, openSync } from "node:fs";
import { readFileSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { foldName, isName, roles } from "@wirebook/protocol";
import type { Role } from "@wirebook/protocol";
import { UsersError } from "../users.ts";
import type { User } from "../users.ts";
import { codeOf, createDurably, giveTo, isMissing, reasonOf } from "./disk.ts";
import { syncFileSync, syncFolderOf, writeFullySync } from "./disk.ts";
import { openLocked } from "./lock.ts";

/** Bytes of a file of users that is read at all: what `usersMax` of the longest rows take, and comments. */
export const usersFileBytesMax = 8 * 1024 * 1024;

/** Milliseconds for which a change of the users waits for one that another process is making [U-3]. */
export const usersLockWaitMs = 5000;

const usersLockPollMs = 10;

/** Permissions of a file of users [U-1]. */
const usersFileMode = 0o600;

/** The users of a file, by `foldName`, and its lines as they are to be written again. */
export interface UserTable {
  readonly lines: readonly string[];
  readonly byName: ReadonlyMap<string, User>;
}

export const usersHeader = "# Wirebook's users: NAME ROLE HASH CREATED BY. Change them with: wirebook users";

const hash = /^[\w:+/=]+$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export function encodeUser({ name, role, keyHash, createdAt, createdBy }: User): string {
  return [name, role, keyHash, createdAt, createdBy].join(" ");
}

/** Reads a file. @throws UsersError `users-failed` with the number of the line that is wrong, never with its text */
export function decodeUsers(path: string, text: string): UserTable {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const byName = new Map<string, User>();
  for (const [at, line] of lines.entries()) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const refuse = (problem: string): never => {
      throw new UsersError("users-failed", `line ${at + 1} of ${path} ${problem}`);
    };
    const user = decodeUser(line) ?? refuse(`${problemOf(line)}; put a # before it or remove it`);
    const folded = foldName(user.name);
    if (byName.has(folded)) refuse("has a name that a line above it has; remove one of the two");
    byName.set(folded, user);
  }
  return { lines, byName };
}

/** The user that a line tells of; `undefined` for a comment and for nonsense. */
export function decodeUser(line: string): User | undefined {
  const [name = "", role = "", keyHash = "", createdAt = "", createdBy = "", ...rest] = line.trim().split(/\s+/u);
  if (!isName(name) || !isRole(role) || !hash.test(keyHash) || !time.test(createdAt)) return undefined;
  if (rest.length > 0 || !(createdBy === "-" || isName(createdBy))) return undefined;
  return { name, role, keyHash, createdAt, createdBy };
}

/** A user that an older version took may have a name with an invisible character, which looks like another's. */
function problemOf(line: string): string {
  return /\p{Default_Ignorable_Code_Point}/u.test(line) ? "has an invisible character in a name" : "is no user";
}

function isRole(word: string): word is Role {
  return roles.some((role) => role === word);
}

/** The path of the users of a history: beside the file to which the history's name leads at last. */
export function usersPathBeside(historyPath: string): string {
  const real = statSync(historyPath, { throwIfNoEntry: false }) === undefined ? historyPath : realpathSync(historyPath);
  const path = join(dirname(real), "users.txt");
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

/** Tells one state of the file from another without reading it. Of a file whose permissions change only the mode tells. */
export function versionOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return "missing";
  const { dev, ino, size, mtimeNs, mode } = stats;
  return [dev, ino, size, mtimeNs, mode].join(":");
}

/** Reads the file. @throws UsersError `users-failed` */
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
      // When root makes the file for a server that runs as another user, that server must be able to read it.
      giveTo(fd, statSync(path, { throwIfNoEntry: false }) ?? statSync(dirname(path)));
      syncFileSync(fd);
    } finally {
      closeSync(fd);
    }
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
        giveTo(fd, statSync(dirname(lockPath)));
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

// A copy of the users in a file that belongs to no history has the same form: how users move to another store, and their
// backup [U-11].

/** Reads the users of a copy, in its order. @throws UsersError `users-failed`, also when there is no such file */
export function readUsersCopy(path: string): readonly User[] {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new UsersError("users-failed", `there is no ${path}; name a users.txt, or what export has written`);
  }
  return [...readTable(path).byName.values()];
}

/** Writes a new file that only its owner can read, durably. @throws UsersError `users-failed`, also when there is one */
export function writeUsersCopy(path: string, users: readonly User[]): void {
  const text = [usersHeader, ...users.map(encodeUser), ""].join("\n");
  try {
    createDurably(path, usersFileMode, (fd) => writeFullySync(fd, 0, Buffer.from(text)));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw explain(error, `${path} cannot be written`);
    const sentence = `${path} is there already, and is left as it is; name a file that is not`;
    throw new UsersError("users-failed", sentence, { cause: error });
  }
}
