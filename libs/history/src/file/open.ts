/**
 * Opening a history: find the file, become its owner, recover its end, index it.
 *
 * Nothing is changed before the file is owned, except that a missing one is created, empty.
 */

import {
  appendFileSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  realpathSync,
  statSync,
} from "node:fs";
import { decodeEntry } from "@wirebook/protocol";
import { HistoryError } from "../errors.ts";
import type { History } from "../history.ts";
import { codeOf, fileModeDefault, historyFlags, isFull, lineFeed, readFullySync, reasonOf } from "./disk.ts";
import { syncFileSync, syncFolderOf, writeFullySync } from "./disk.ts";
import { FileHistory } from "./file-history.ts";
import { Generation } from "./generation.ts";
import { LineIndex } from "./line-index.ts";
import { takeOwnership } from "./lock.ts";
import { createMicrosecondClock, lastTimeBytes, lastTimeIn, MonotonicClock } from "./monotonic-clock.ts";
import { fileHistoryDefaults, FileStorage, type FileHistoryOptions, type FileHistorySettings } from "./storage.ts";

/** Bytes that no line of ours exceeds: a message of 2,048 bytes, each escaped to six, with its time and address. */
const ownLineBytesMax = 64 * 1024;

const timePattern = "dddd-dd-ddTdd:dd:dd.ddddddZ";

/**
 * Opens the history in a file, which is created when it is missing. It belongs to this process until it is disposed of.
 *
 * @throws HistoryError `in-use` when another process has it open, `storage-full`, `storage-failed` when it is no
 *   regular file or cannot be read and written
 */
export async function openFileHistory(path: string, options: FileHistoryOptions = {}): Promise<History> {
  const settings = { ...fileHistoryDefaults, ...options };
  try {
    const realPath = findFile(path);
    const unlock = await takeOwnership(realPath);
    try {
      const generation = openGeneration(realPath, settings);
      // Times increase, so the greatest is among the last lines [H-2].
      const length = Math.min(generation.bytes, lastTimeBytes);
      const lastTime = lastTimeIn(await generation.read(generation.bytes - length, length));
      const clock = new MonotonicClock(options.clock ?? createMicrosecondClock(), lastTime);
      return new FileHistory(new FileStorage(realPath, generation, clock, settings, unlock));
    } catch (error) {
      unlock();
      throw error;
    }
  } catch (error) {
    if (error instanceof HistoryError) throw error;
    const code = isFull(error) ? "storage-full" : "storage-failed";
    throw new HistoryError(code, `${path} cannot be opened: ${reasonOf(error)}`, { cause: error });
  }
}

/** The real path of a regular file that exists; symbolic links are followed, so that a rename never replaces one. */
function findFile(path: string): string {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) createFile(path);
  const realPath = realpathSync(path);
  const stats = statSync(realPath);
  if (stats.isFile()) return realPath;
  const kind = stats.isDirectory() ? "a folder" : "a device, a pipe or a socket";
  throw new HistoryError("storage-failed", `${path} is ${kind}; a history is a regular file, name one`);
}

function createFile(path: string): void {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT, fileModeDefault));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    const sentence = `${path} cannot be created, for its folder does not exist; create the folder first`;
    throw new HistoryError("storage-failed", sentence, { cause: error });
  }
  syncFolderOf(realpathSync(path));
}

function openGeneration(path: string, { indexBlockBytes, onNotice }: FileHistorySettings): Generation {
  const fd = openSync(path, historyFlags);
  try {
    const notice = recoverTail(path, fd);
    if (notice !== undefined) onNotice?.(notice);
    // What is there may have been written by a process that died before its sync; readers are given durable bytes only.
    syncFileSync(fd);
    const stats = fstatSync(fd);
    const index = new LineIndex(indexBlockBytes);
    index.addFile(fd, stats.size);
    return new Generation(fd, stats, index);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Makes the file end in a line feed without losing text [H-13]. Returns what was done, as a sentence, if anything was. */
function recoverTail(path: string, fd: number): string | undefined {
  const { size, mode } = fstatSync(fd);
  const bytes = readFullySync(fd, Math.max(0, size - ownLineBytesMax), Math.min(size, ownLineBytesMax));
  const partial = bytes.subarray(bytes.lastIndexOf(lineFeed) + 1);
  if (partial.length === 0) return undefined;
  // A line that fills all that was read is longer than any of ours.
  if (partial.length === ownLineBytesMax || classifyTail(partial) === "whole") {
    writeFullySync(fd, size, Uint8Array.of(lineFeed));
    return `The last line of ${path} had no line ending; it was given one.`;
  }
  const brokenPath = `${path}.broken`;
  // What is cut off is durable beside before.
  appendFileSync(brokenPath, Buffer.concat([partial, Uint8Array.of(lineFeed)]), { mode: mode & 0o777, flush: true });
  syncFolderOf(brokenPath);
  ftruncateSync(fd, size - partial.length);
  return `The last line of ${path} was partial, ${partial.length} bytes of it; it was moved to ${brokenPath}.`;
}

/**
 * Classifies a last line that has no line feed.
 *
 * It is partial when it may be the start of a line that this program was writing: when it begins as a time does, as
 * far as it goes, and is no whole entry; or when it holds a NUL, which a power cut can leave and no text has. Anything
 * else was written by another program, without a line feed, and is whole.
 */
export function classifyTail(bytes: Uint8Array): "whole" | "partial" {
  const text = Buffer.from(bytes).toString("latin1");
  if (text.includes("\0")) return "partial";
  return beginsAsTime(text) && decodeEntry(text).kind === "external" ? "partial" : "whole";
}

function beginsAsTime(text: string): boolean {
  return [...timePattern].every((expected, at) => {
    const actual = text[at];
    return actual === undefined || (expected === "d" ? /\d/.test(actual) : actual === expected);
  });
}
