/**
 * Line feeds in bytes: the two loops in which opening, indexing and seeking spend their time.
 *
 * They are counted sixteen bytes at a time, with the vector instructions that every Node has in its WebAssembly.
 *
 * Opening a history is counting its line feeds. A loop in JavaScript takes about ten times as long as `wc -l`; this
 * one and the copying into its memory together are faster than the reading (docs/performance.md).
 */

import { brIf, encodeModule, i16x8, i32, i32x4, i8x16, local, loop, select, sequence, v128 } from "./wasm.ts";

const vectorBytes = 16;
/** After so many vectors, lanes of 8 bits might overflow. */
const vectorsMax = 255;
const lineFeed = 0x0a;

// The local variables, written with a dollar sign as in the text format.
const $at = 0;
const $end = 1;
const $pause = 2;
const $found = 3;
const $total = 4;

/** count(at, end): line feeds in the memory from `at` up to `end`, at least one vector and whole vectors only. */
const countFunction = {
  parameters: ["i32", "i32"],
  locals: ["i32", "v128", "v128"],
  code: [
    loop(
      // pause = min(end, at + vectorBytes * vectorsMax)
      sequence(local.get($at), i32.const(vectorBytes * vectorsMax), i32.add, local.tee($pause)),
      sequence(local.get($end), local.get($pause), local.get($end), i32.lessThanUnsigned, select, local.set($pause)),
      sequence(v128.zero, local.set($found)),
      loop(
        // A lane that holds a line feed compares as all ones, which is -1.
        sequence(local.get($found), local.get($at), v128.load, i32.const(lineFeed), i8x16.splat, i8x16.equal),
        sequence(i8x16.subtract, local.set($found)),
        sequence(local.get($at), i32.const(vectorBytes), i32.add, local.tee($at)),
        sequence(local.get($pause), i32.lessThanUnsigned, brIf(0)),
      ),
      sequence(local.get($total), local.get($found), i16x8.addPairsUnsigned, i32x4.addPairsUnsigned, i32x4.add),
      local.set($total),
      sequence(local.get($at), local.get($end), i32.lessThanUnsigned, brIf(0)),
    ),
    sequence(local.get($total), i32x4.extractLane(0), local.get($total), i32x4.extractLane(1), i32.add),
    sequence(local.get($total), i32x4.extractLane(2), i32.add, local.get($total), i32x4.extractLane(3), i32.add),
  ],
} as const;

/** What the module exports. */
interface Counter {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly count: (at: number, end: number) => number;
}

/** The part of the JavaScript interface of WebAssembly that is used; the types of Node and of the language have none. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encodeModule("count", countFunction)));
const counter = exports as Counter;
const memory = new Uint8Array(counter.memory.buffer);

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

function countInVectors(bytes: Uint8Array): number {
  let lines = 0;
  for (let from = 0; from < bytes.length; from += memory.length) {
    lines += countPiece(bytes.subarray(from, from + memory.length));
  }
  return lines;
}

function countPiece(piece: Uint8Array): number {
  const wholeVectors = Math.ceil(piece.length / vectorBytes) * vectorBytes;
  memory.set(piece);
  memory.fill(0, piece.length, wholeVectors);
  return counter.count(0, wholeVectors);
}
