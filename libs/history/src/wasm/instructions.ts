/** The instructions that are used, named as in WebAssembly's text format but for its abbreviations (`lt_u`, `extadd`). */

import { signed, unsigned } from "./encode-module.ts";
import type { Bytes } from "./encode-module.ts";

const vectorPrefix = 0xfd;
const noResult = 0x40;
const anyAlignment = 0;

const vector = (opcode: number, ...operands: readonly number[]): Bytes => [
  vectorPrefix,
  ...unsigned(opcode),
  ...operands,
];

/** One instruction after another. */
export const sequence = (...code: readonly Bytes[]): Bytes => code.flat();
/** Runs the code; a `br_if` of depth 0 in it begins it anew. */
export const loop = (...code: readonly Bytes[]): Bytes => [0x03, noResult, ...code.flat(), 0x0b];
/** Leaves the first of two values if the third is not 0, otherwise the second. */
export const select: Bytes = [0x1b];
/** Branches to the loop that is so many loops further out. */
export const brIf = (depth: number): Bytes => [0x0d, ...unsigned(depth)];

export const local = {
  get: (index: number): Bytes => [0x20, ...unsigned(index)],
  set: (index: number): Bytes => [0x21, ...unsigned(index)],
  tee: (index: number): Bytes => [0x22, ...unsigned(index)],
};

export const i32 = {
  const: (value: number): Bytes => [0x41, ...signed(value)],
  lessThanUnsigned: [0x49],
  add: [0x6a],
} as const;

export const v128 = {
  load: vector(0, anyAlignment, 0),
  zero: vector(12, ...new Uint8Array(16)),
};

export const i8x16 = {
  splat: vector(15),
  equal: vector(35),
  subtract: vector(113),
};

/** Adds neighbours: sixteen numbers of 8 bits become eight of 16 bits. */
export const i16x8 = { addPairsUnsigned: vector(125) };

/** Adds neighbours: eight numbers of 16 bits become four of 32 bits. */
export const i32x4 = {
  extractLane: (lane: number): Bytes => vector(27, lane),
  addPairsUnsigned: vector(127),
  add: vector(174),
};
