/**
 * What becomes of a history whose file another program such as logrotate has renamed or removed [H-8]. One that was renamed
 * keeps its lines under its new name. One that was removed is there only as long as this process has it open, so its lines
 * are copied beside.
 */

import { closeSync, constants, fstatSync, openSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { codeOf, createDurably, historyFlags, openLike, pauseSync, pieceBytesMax } from "./disk.ts";
import { readFullySync, reasonOf, syncFolderOf, writeFullySync } from "./disk.ts";

/** Milliseconds that another program is given to create the next file; the server answers nothing meanwhile. */
const successorWaitMs = 200;

const successorPollMs = 2;

/** Names that network filesystems give to a file which was removed while somebody has it open: they go with the descriptor. */
const passingName = /^\.(?:nfs|fuse_hidden)/;

/** Milliseconds before a file was emptied in which a copy of it may have been made by whoever emptied it. */
const copyAgeMsMax = 60_000;

/** Files beside a history that its own server makes [H-16]. */
const ownFile = /^\.(?:lock|next|broken|rescued-.*|archived-.*)$/;

/**
 * Finds the lines of an open file under another name, or copies them beside, durably, under a name with the time, or into
 * the system's folder for temporary files where that cannot be. The path may be unknown.
 */
export function keepLines(fd: number, path: string): { path: string | undefined; sentence: string } {
  const { size, nlink } = fstatSync(fd);
  const name = nameOf(fd);
  if (nlink > 0 && (name === undefined || lasts(name))) {
    const where = name ?? "the file under its new name";
    return { path: name, sentence: `another program has moved it away; its lines are in ${where}` };
  }
  const what = "another program has removed it";
  if (size === 0) return { path: undefined, sentence: `${what}; it had no lines` };
  const copy = copyBeside(path, fd);
  const instead = "with logrotate, add delaycompress; to empty a history, archive it or delete all";
  return { path: copy, sentence: `${what}; its lines are kept in ${copy}; ${instead}` };
}

function copyBeside(path: string, fd: number): string {
  const copy = besideOf(path, "rescued");
  try {
    return copyTo(copy, fd);
  } catch (error) {
    try {
      return copyTo(join(tmpdir(), basename(copy)), fd);
    } catch {
      throw error; // When the disk is full, there may be room later.
    }
  }
}

function copyTo(path: string, source: number): string {
  const { mode, size } = fstatSync(source);
  createDurably(path, mode & 0o777, (fd) => {
    for (let at = 0; at < size; at += pieceBytesMax) {
      writeFullySync(fd, at, readFullySync(source, at, Math.min(pieceBytesMax, size - at)));
    }
  });
  return path;
}

/** The path of a file beside a history, named after it, for what, and when. */
export function besideOf(path: string, what: "rescued" | "archived"): string {
  return `${path}.${what}-${new Date().toISOString().replaceAll(/[-:]/g, "")}`;
}

export function hasName(fd: number): boolean {
  const name = nameOf(fd);
  return name !== undefined && lasts(name);
}

const lasts = (name: string): boolean => !passingName.test(basename(name));

/** The name that an open file has now; `undefined` when it has none, or the system does not tell. */
function nameOf(fd: number): string | undefined {
  try {
    const name = readlinkSync(`/proc/self/fd/${fd}`);
    const [own, found] = [fstatSync(fd), statSync(name)];
    return found.ino === own.ino && found.dev === own.dev ? name : undefined;
  } catch {
    return undefined;
  }
}

/** A copy of the history that was made just now, as logrotate makes one before it empties the file (`copytruncate`). */
export function findFreshCopy(path: string, nowMs: number): string | undefined {
  const folder = dirname(path);
  const name = basename(path);
  return readdirSync(folder)
    .filter((each) => each.startsWith(name) && each !== name && !ownFile.test(each.slice(name.length)))
    .map((each) => join(folder, each))
    .find((each) => {
      const found = statSync(each, { throwIfNoEntry: false });
      return found?.isFile() === true && found.size > 0 && nowMs - found.ctimeMs < copyAgeMsMax;
    });
}

/**
 * Opens the file that the name leads to now, or creates one like the file before; its name is then durable.
 *
 * The other program may be about to create it (`create`), or leave that to the server (`nocreate`). Meanwhile the name leads
 * nowhere, or to a file that does not belong to the server yet, so both are awaited for a moment: a file that the server
 * made too early would be in the other one's way.
 */
export function openSuccessor(path: string, beforeFd: number): number {
  const deadline = performance.now() + successorWaitMs;
  for (;;) {
    const isLate = performance.now() > deadline;
    try {
      return openRegular(path, beforeFd, isLate);
    } catch (error) {
      const code = codeOf(error);
      if (isLate && code === "EACCES") {
        const whose = "name the server's user in create: create 0640 USER GROUP";
        throw new Error(`${reasonOf(error)}; with logrotate, ${whose}`, { cause: error });
      }
      if (code !== "EACCES" && code !== "EEXIST" && (isLate || code !== "ENOENT")) throw error;
    }
    pauseSync(successorPollMs);
  }
}

function openRegular(path: string, beforeFd: number, mayCreate: boolean): number {
  let fd: number;
  try {
    fd = openSync(path, historyFlags);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || !mayCreate) throw error;
    fd = openLike(path, historyFlags | constants.O_CREAT | constants.O_EXCL, beforeFd);
  }
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path} is no regular file now`);
    syncFolderOf(path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
