/**
 * The end of a file that is being opened: is its last line whole [H-13], and what was the last time [H-2]?
 *
 * Lines are read as Latin-1 here: only their form matters, and no byte gets in the way.
 */

import { appendFileSync, fstatSync, ftruncateSync } from "node:fs";
import { decodeEntry, decodeTime } from "@wirebook/protocol";
import { lineFeed, readFullySync, syncFolderOf, writeFullySync } from "./disk.ts";

/** Bytes that no line of ours exceeds: a message of 2,048 bytes, each escaped to six, with its time and address. */
const ownLineBytesMax = 64 * 1024;

const timePattern = "dddd-dd-ddTdd:dd:dd.ddddddZ";

/**
 * Makes the file end in a line feed without losing text [H-13].
 *
 * @returns what was done, as a sentence; `undefined` when there was nothing to do
 */
export function recoverTail(path: string, fd: number): string | undefined {
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

/** What the bytes behind the last line feed are: `whole` but for their line feed, or `partial`, the start of a line of ours. */
export type TailKind = "whole" | "partial";

/**
 * Classifies a last line that has no line feed.
 *
 * It is partial when it may be the start of a line that this program was writing: when it begins as a time does, as
 * far as it goes, and is no whole entry; or when it holds a NUL, which a power cut can leave and no text has. Anything
 * else was written by another program, without a line feed, and is whole.
 */
export function classifyTail(bytes: Uint8Array): TailKind {
  const text = Buffer.from(bytes).toString("latin1");
  if (text.includes("\0")) return "partial";
  if (!beginsAsTime(text)) return "whole";
  return decodeEntry(text).kind === "external" ? "partial" : "whole";
}

/** The greatest time in microseconds among the entries in these bytes; 0 when there is none but external lines. */
export function lastTimeIn(bytes: Uint8Array): number {
  let last = "";
  for (const line of Buffer.from(bytes).toString("latin1").split("\n").toReversed()) {
    // Times sort as text, and the last is the greatest unless it was written by hand: few lines get past this.
    if (line.slice(0, timePattern.length) <= last) continue;
    const entry = decodeEntry(line);
    if (entry.kind !== "external" && decodeTime(entry.time) !== undefined) last = entry.time;
  }
  return decodeTime(last) ?? 0;
}

function beginsAsTime(text: string): boolean {
  return [...timePattern].every((expected, at) => {
    const actual = text[at];
    return actual === undefined || (expected === "d" ? /\d/.test(actual) : actual === expected);
  });
}
