/**
 * Where the lines of a file begin, in eight bytes for each block of 16 KiB.
 *
 * `#before[k]` is the number of line feeds in front of block k. A line is found by a binary search for its block and a
 * scan of that one block, which the caller reads. Deliberately absent: any offset or text of a single line.
 */

import { openPieceBytes, readFullySync, readInto } from "./disk.ts";

const lineFeed = 0x0a;

/** Where to look for the beginning of a line: after so many line feeds from that offset on. */
export interface Place {
  readonly offset: number;
  readonly lineFeeds: number;
}

/** Grows with its file: `add` is told every byte, in order. */
export class LineIndex {
  readonly blockBytes: number;
  readonly #before = [0];
  #bytes = 0;
  #lines = 0;

  constructor(blockBytes: number) {
    this.blockBytes = blockBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Takes the bytes that follow those added before. */
  add(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const end = Math.min(bytes.length, at + this.blockBytes - (this.#bytes % this.blockBytes));
      this.#lines += countLineFeeds(bytes.subarray(at, end));
      this.#bytes += end - at;
      at = end;
      if (this.#bytes % this.blockBytes === 0) this.#before.push(this.#lines);
    }
  }

  /** True when another index has as many bytes, and the same count of lines before each block. */
  equals(other: LineIndex): boolean {
    const isAlike = other.bytes === this.#bytes && other.lines === this.#lines && other.blockBytes === this.blockBytes;
    return isAlike && this.#before.every((lines, block) => lines === other.#before[block]);
  }

  /** Finds a line from 1 to `lines + 1`, which is where the next one will begin. */
  locate(line: number): Place {
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

/** Indexes a file of so many bytes: a thread reads one piece while this one counts the line feeds of the piece before. */
export async function indexFile(fd: number, bytes: number, blockBytes: number): Promise<LineIndex> {
  const index = new LineIndex(blockBytes);
  let position = 0;
  const readPiece = async (buffer: Uint8Array): Promise<Uint8Array> => {
    const piece = buffer.subarray(0, bytes - position);
    position += piece.length;
    await readInto(piece, fd, position - piece.length);
    return piece;
  };
  let [buffer, other] = [createPiece(bytes), createPiece(bytes)];
  let reading = readPiece(buffer);
  while (index.bytes < bytes) {
    const piece = await reading;
    [buffer, other] = [other, buffer];
    reading = readPiece(buffer);
    index.add(piece);
  }
  await reading;
  return index;
}

/** Adds a file's bytes up to an offset, in one turn. */
export function addBytes(fd: number, index: LineIndex, to: number): void {
  while (index.bytes < to) index.add(readFullySync(fd, index.bytes, Math.min(openPieceBytes, to - index.bytes)));
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

function countLineFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count += 1;
  return count;
}

function createPiece(bytes: number): Uint8Array {
  return new Uint8Array(Math.min(openPieceBytes, bytes));
}
