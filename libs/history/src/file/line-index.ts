/**
 * Where the lines of a file begin, in eight bytes for each block of 16 KiB.
 *
 * `#before[k]` is the number of line feeds in front of block k. A line is found by a binary search for its block and a
 * scan of that one block, which the caller reads. Deliberately absent: any offset or text of a single line.
 */

import { fillSync, lineFeed, pieceBytesMax } from "./disk.ts";

export class LineIndex {
  readonly blockBytes: number;
  bytes = 0;
  lines = 0;
  readonly #before = [0];

  constructor(blockBytes: number) {
    this.blockBytes = blockBytes;
  }

  /** Takes the bytes that follow those added before. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + this.blockBytes - (this.bytes % this.blockBytes));
      this.lines += countLineFeeds(bytes.subarray(at, end));
      this.bytes += end - at;
      at = end;
      if (this.bytes % this.blockBytes === 0) this.#before.push(this.lines);
    }
  }

  /** Takes the bytes of a file up to an offset, a piece at a time, in one turn. */
  addFile(fd: number, to: number): void {
    const buffer = new Uint8Array(Math.min(pieceBytesMax, to - this.bytes));
    while (this.bytes < to) {
      const piece = buffer.subarray(0, to - this.bytes);
      fillSync(piece, fd, this.bytes);
      this.add(piece);
    }
  }

  /** True when another index has as many bytes, and the same count of lines before each block. */
  equals(other: LineIndex): boolean {
    const isAlike = other.bytes === this.bytes && other.lines === this.lines && other.blockBytes === this.blockBytes;
    return isAlike && this.#before.every((lines, block) => lines === other.#before[block]);
  }

  /** Where to look for a line from 1 to `lines + 1`: after so many line feeds from that offset on. */
  locate(line: number): { readonly offset: number; readonly lineFeeds: number } {
    const lineFeeds = line - 1;
    let low = 0;
    let high = this.#before.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#count(middle) < lineFeeds) low = middle;
      else high = middle - 1;
    }
    return { offset: low * this.blockBytes, lineFeeds: lineFeeds - this.#count(low) };
  }

  #count(block: number): number {
    return this.#before[block] as number;
  }
}

/** The offset after the `ordinal`-th line feed, from 1; of bytes that have so many. */
export function endOfLine(bytes: Uint8Array, ordinal: number): number {
  let at = -1;
  for (let left = ordinal; left > 0; left--) at = bytes.indexOf(lineFeed, at + 1);
  return at + 1;
}

function countLineFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count += 1;
  return count;
}
