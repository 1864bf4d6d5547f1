import { appendFileSync, closeSync, fstatSync, fsyncSync, ftruncateSync, openSync } from "node:fs";
import { ownLineBytesMax } from "../limits.ts";
import { readFullySync, syncFolderOf, writeFullySync } from "./disk.ts";
import { classifyTail } from "./tail.ts";

const lineFeed = 0x0a;

/**
 * Sees to it that the file ends in a line feed, losing nobody's text [H-13].
 *
 * @returns what was done, as a sentence; `undefined` when there was nothing to do
 */
export function recoverTail(path: string, fd: number): string | undefined {
  const { size, mode } = fstatSync(fd);
  const bytes = readFullySync(fd, Math.max(0, size - ownLineBytesMax), Math.min(size, ownLineBytesMax));
  const torn = bytes.subarray(bytes.lastIndexOf(lineFeed) + 1);
  if (torn.length === 0) return undefined;
  // A line that fills all that was read is longer than any of ours.
  if (torn.length === ownLineBytesMax || classifyTail(torn) === "whole") {
    writeFullySync(fd, size, Uint8Array.of(lineFeed));
    return `The last line of ${path} had no line ending; it was given one.`;
  }
  const brokenPath = `${path}.broken`;
  keepBroken(brokenPath, torn, mode);
  ftruncateSync(fd, size - torn.length);
  return `The last line of ${path} was torn, ${torn.length} bytes of it; it was moved to ${brokenPath}.`;
}

/** Appends a torn line to the file beside, durably, before it is cut off. */
function keepBroken(path: string, torn: Uint8Array, mode: number): void {
  const fd = openSync(path, "a", mode & 0o777);
  try {
    appendFileSync(fd, Buffer.concat([torn, Uint8Array.of(lineFeed)]));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolderOf(path);
}
