/**
 * Lines of a history whose name leads to them no longer: where they are, and how they last.
 *
 * A file that was renamed, as logrotate does, keeps its lines under its new name. One that was removed is there only as
 * long as this process has it open, so its lines are copied beside.
 */

import { fstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createDurably, isFull, openPieceBytes, readFullySync, reasonOf, writeFullySync } from "./disk.ts";

/** Names that network filesystems give to a file which was removed while somebody has it open: they go with the descriptor. */
const passingName = /^\.(?:nfs|fuse_hidden)/;

/** Milliseconds before a file was emptied in which a copy of it may have been made by whoever emptied it. */
const copyAgeMsMax = 60_000;

/** Files beside a history that its own server makes [H-16]. */
const ownFile = /^\.(?:lock|next|broken|rescued-.*|archived-.*)$/;

/** Where lines are that were in the history. */
export interface Kept {
  /** The path of their file; `undefined` when it has one that cannot be known. */
  readonly path: string | undefined;
  /** What another program did, and what to do, without a full stop. */
  readonly sentence: string;
}

/**
 * Finds the lines of an open file under another name, or copies them beside, durably, under a name with the time, or into
 * the system's folder for temporary files where that cannot be.
 *
 * @throws what the system says when they can be kept nowhere
 */
export function keepLines(fd: number, path: string): Kept {
  const { size, mode, nlink } = fstatSync(fd);
  const name = nameOf(fd);
  if (nlink > 0 && (name === undefined || lasts(name))) {
    const where = name ?? "the file under its new name";
    return { path: name, sentence: `another program has moved it away; its lines are in ${where}` };
  }
  const what = "another program has removed it";
  if (size === 0) return { path: undefined, sentence: `${what}; it had no lines` };
  const copy = copyBeside(path, fd, size, mode, what);
  const instead = "with logrotate, add delaycompress; to empty a history, archive it or delete all";
  return { path: copy, sentence: `${what}; its lines are kept in ${copy}; ${instead}` };
}

function copyBeside(path: string, fd: number, size: number, mode: number, what: string): string {
  const copy = besideOf(path, "rescued");
  try {
    return copyTo(copy, fd, size, mode);
  } catch (error) {
    try {
      return copyTo(join(tmpdir(), basename(copy)), fd, size, mode);
    } catch (cause) {
      if (isFull(error)) throw error; // There may be room later.
      throw new Error(`${what}, and its lines could not be kept: ${reasonOf(error)}`, { cause });
    }
  }
}

/** The path of a file beside a history, named after it, for what, and when. */
export function besideOf(path: string, what: "rescued" | "archived"): string {
  return `${path}.${what}-${new Date().toISOString().replaceAll(/[-:]/g, "")}`;
}

/** True when an open file is known to have a name that lasts. */
export function hasName(fd: number): boolean {
  const name = nameOf(fd);
  return name !== undefined && lasts(name);
}

const lasts = (name: string): boolean => !passingName.test(basename(name));

/** The name that an open file has now, where the system tells, as Linux does; `undefined` when it has none or it cannot be known. */
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

function copyTo(path: string, source: number, size: number, mode: number): string {
  createDurably(path, mode & 0o777, (fd) => {
    for (let at = 0; at < size; at += openPieceBytes) {
      writeFullySync(fd, at, readFullySync(source, at, Math.min(openPieceBytes, size - at)));
    }
  });
  return path;
}
