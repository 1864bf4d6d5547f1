/**
 * Ranks of sequences: which message of the stream is line N, and which line is message S.
 *
 * Sequences only ever grow, and most of them are lines, so what is kept is what is *not* a line: for each block of 4,096
 * sequences how many of them are gone, and a bitmap only for a block that has lost some but not all. A history of a
 * million lines takes a few kilobytes, and each deleted line at most a bitmap of 512 bytes for its whole block. How many
 * are gone before a block is a sum that a delete anywhere changes, so those sums are kept as a tree.
 */

import { FenwickTree } from "./fenwick-tree.ts";

const blockLength = 4096;

/** Lines by their sequences. All sequences are whole numbers from 1. */
export class RankIndex {
  /** The first block of the counts below. */
  #base = 0;
  /** For each block from there on, how many are gone. */
  #gone = new FenwickTree();
  /** Bit set: gone. A block without a bitmap has lost nothing or, when `#goneIn` says so, everything. */
  readonly #bitmaps = new Map<number, Uint8Array>();
  #first: number;
  #end: number;

  /** @param first the first sequence that may be a line; everything before is gone */
  constructor(first = 1) {
    this.#first = first;
    this.#end = first;
    this.#base = blockOf(first);
    this.#gone.push();
    this.#markRange(this.#base * blockLength, first);
  }

  /** How many lines there are. */
  get lines(): number {
    return this.#end - this.#base * blockLength - this.#goneBeforeEnd;
  }

  /** The sequence after the last that was added. */
  get end(): number {
    return this.#end;
  }

  /** Adds a line behind all others; sequences that were left out are no lines. */
  append(sequence: number): void {
    const skipped = this.#end;
    this.appendUpTo(sequence);
    this.#markRange(skipped, sequence);
  }

  /** Adds all sequences up to this one as lines. */
  appendUpTo(sequence: number): void {
    if (sequence < this.#end) throw new RangeError(`sequence ${sequence} comes after ${this.#end - 1}`);
    this.#end = sequence + 1;
    while (this.#base + this.#gone.length <= blockOf(sequence)) this.#gone.push();
  }

  /** Takes a line away; false when there was none. */
  remove(sequence: number): boolean {
    if (!this.has(sequence)) return false;
    this.#mark(sequence);
    return true;
  }

  /** Takes all lines before a sequence away. */
  removeBefore(sequence: number): void {
    const kept: number[] = [];
    for (let at = Math.max(sequence, this.#first); at < this.#end; at++) if (this.has(at)) kept.push(at);
    const end = this.#end;
    this.#bitmaps.clear();
    this.#first = Math.max(sequence, this.#first);
    this.#base = blockOf(this.#first);
    this.#gone = new FenwickTree();
    this.#end = this.#first;
    this.#gone.push();
    this.#markRange(this.#base * blockLength, this.#first);
    for (const each of kept) this.append(each);
    if (end <= this.#end) return;
    // The sequences behind the last that is kept are gone too, but they are not to be given again.
    this.append(end - 1);
    this.remove(end - 1);
  }

  /** True when that sequence is a line. */
  has(sequence: number): boolean {
    if (sequence < this.#first || sequence >= this.#end) return false;
    const block = blockOf(sequence);
    const bitmap = this.#bitmaps.get(block);
    if (bitmap === undefined) return this.#goneIn(block) === 0;
    const at = sequence % blockLength;
    return ((bitmap[at >> 3] as number) & (1 << (at & 7))) === 0;
  }

  /** How many lines there are up to a sequence, itself included; of a line, its rank. */
  rankOf(sequence: number): number {
    const last = Math.min(sequence, this.#end - 1);
    if (last < this.#first) return 0;
    const block = blockOf(last);
    const goneInside = this.#goneUpTo(block, (last % blockLength) + 1);
    return last + 1 - this.#base * blockLength - this.#goneBeforeBlock(block) - goneInside;
  }

  /** The sequence of a line, by its rank from 1; `undefined` when there are fewer. */
  sequenceOf(rank: number): number | undefined {
    if (rank < 1 || rank > this.lines) return undefined;
    const at = this.#gone.lastWhere((blocks, gone) => blocks * blockLength - gone < rank);
    return this.#nthIn(this.#base + at, rank - (at * blockLength - this.#gone.before(at)));
  }

  get #goneBeforeEnd(): number {
    const block = blockOf(this.#end);
    const inside = this.#goneUpTo(block, this.#end % blockLength);
    return this.#goneBeforeBlock(block) + inside;
  }

  #goneBeforeBlock(block: number): number {
    return this.#gone.before(Math.min(block - this.#base, this.#gone.length));
  }

  #goneIn(block: number): number {
    return this.#gone.of(block - this.#base);
  }

  #goneUpTo(block: number, length: number): number {
    const bitmap = this.#bitmaps.get(block);
    if (bitmap === undefined) return this.#goneIn(block) === 0 ? 0 : length;
    let count = 0;
    for (let at = 0; at < length >> 3; at++) count += bitCount(bitmap[at] as number);
    return count + bitCount((bitmap[length >> 3] ?? 0) & ((1 << (length & 7)) - 1));
  }

  #nthIn(block: number, ordinal: number): number {
    const start = block * blockLength;
    let left = ordinal;
    for (let at = 0; at < blockLength; at++) {
      if (this.has(start + at) && --left === 0) return start + at;
    }
    throw new RangeError(`block ${block} has fewer than ${ordinal} lines`);
  }

  #markRange(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#mark(at);
  }

  #mark(sequence: number): void {
    const block = blockOf(sequence);
    const at = sequence % blockLength;
    const isWhole = this.#goneIn(block) === blockLength - 1;
    this.#gone.add(block - this.#base, 1);
    // A block that is gone altogether needs no bitmap to say so.
    if (isWhole) this.#bitmaps.delete(block);
    else {
      const bitmap = this.#bitmaps.get(block) ?? new Uint8Array(blockLength / 8);
      (bitmap[at >> 3] as number) |= 1 << (at & 7);
      this.#bitmaps.set(block, bitmap);
    }
  }
}

function blockOf(sequence: number): number {
  return Math.floor(sequence / blockLength);
}

function bitCount(byte: number): number {
  let bits = byte - ((byte >> 1) & 0x55);
  bits = (bits & 0x33) + ((bits >> 2) & 0x33);
  return (bits + (bits >> 4)) & 0x0f;
}
