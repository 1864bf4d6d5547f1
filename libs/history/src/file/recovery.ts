/**
 * The end of a file that is being opened: is its last line whole [H-13]?
 *
 * Lines are read as Latin-1 here: only their form matters, and no byte gets in the way.
 */

import { appendFileSync, fstatSync, ftruncateSync } from "node:fs";
import { decodeEntry } from "@wirebook/protocol";
import { lineFeed, readFullySync, syncFolderOf, writeFullySync } from "./disk.ts";

/** Bytes that no line of ours exceeds: a message of 2,048 bytes, each escaped to six, with its time and address. */
const ownLineBytesMax = 64 * 1024;

const timePattern = "dddd-dd-ddTdd:dd:dd.ddddddZ";

/** Makes the file end in a line feed without losing text. Returns what was done, as a sentence, if anything was. */
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
