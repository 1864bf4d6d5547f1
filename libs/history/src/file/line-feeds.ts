/** Line feeds in bytes: the two loops in which opening, indexing and seeking spend their time. */

import { countInVectors } from "./line-feed-counter.ts";

const lineFeed = 0x0a;

/** Below so many bytes, the way into WebAssembly takes longer than it spares. */
const vectorsFromBytes = 128;

/** How many line feeds there are from `start` up to `end`. */
export function countLineFeeds(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= vectorsFromBytes) return countInVectors(bytes.subarray(start, end));
  let count = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] === lineFeed) count += 1;
  }
  return count;
}

/** The offset after the `ordinal`-th line feed (from 1), or -1 when there are fewer. */
export function endOfLine(bytes: Uint8Array, ordinal: number): number {
  let at = -1;
  for (let left = ordinal; left > 0; left--) {
    at = bytes.indexOf(lineFeed, at + 1);
    if (at < 0) return -1;
  }
  return at + 1;
}
