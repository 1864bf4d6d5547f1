/**
 * WebAssembly, as far as this library uses it: a module with one page of memory and one function.
 *
 * A module is a list of sections, each a number, a length and a content, and code is a list of instructions, each a
 * number and what it takes (WebAssembly Core 2.0, chapter 5, "Binary Format"). It is written with the names that the
 * specification gives to those numbers, so that it can be read, and changed without a compiler. Deliberately absent:
 * checks. V8 checks every module before it runs.
 */

/** Bytes of a module, or of a part of one. */
type Bytes = readonly number[];

const valueTypes = { i32: 0x7f, v128: 0x7b } as const;

/** A type of a parameter or of a local variable. */
type ValueType = keyof typeof valueTypes;

/** A function that returns one i32. */
interface WasmFunction {
  readonly parameters: readonly ValueType[];
  /** Numbered on from the parameters. */
  readonly locals: readonly ValueType[];
  readonly code: readonly Bytes[];
}

const version = [1, 0, 0, 0];
const pages = 1;
const section = { type: 1, function: 3, memory: 5, export: 7, code: 10 };
const exportOf = { function: 0, memory: 2 };
const functionType = 0x60;
const end = 0x0b;

/** The bytes of a module that exports its `memory` of 64 KiB and a function by that name. */
export function encodeModule(name: string, { parameters, locals, code }: WasmFunction): Uint8Array<ArrayBuffer> {
  const signature = [functionType, ...list(parameters.map((type) => [valueTypes[type]])), 1, valueTypes.i32];
  const body = [...list(locals.map((type) => [1, valueTypes[type]])), ...code.flat(), end];
  const memoryWithoutMaximum = [0, pages];
  return Uint8Array.from([
    ...Buffer.from("\0asm"),
    ...version,
    ...encodeSection(section.type, [signature]),
    ...encodeSection(section.function, [[0]]),
    ...encodeSection(section.memory, [memoryWithoutMaximum]),
    ...encodeSection(section.export, [
      [...encodeName("memory"), exportOf.memory, 0],
      [...encodeName(name), exportOf.function, 0],
    ]),
    ...encodeSection(section.code, [[...unsigned(body.length), ...body]]),
  ]);
}

/** An unsigned number in LEB128: seven bits a byte, the lowest first, the eighth says that there are more. */
export function unsigned(value: number): Bytes {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** A signed number in LEB128, whose last byte has the sign in its seventh bit. */
export function signed(value: number): Bytes {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

function encodeSection(id: number, items: readonly Bytes[]): Bytes {
  const content = list(items);
  return [id, ...unsigned(content.length), ...content];
}

function list(items: readonly Bytes[]): Bytes {
  return [...unsigned(items.length), ...items.flat()];
}

function encodeName(name: string): Bytes {
  return list([...Buffer.from(name)].map((byte) => [byte]));
}

// The instructions that are used, named as in the text format but for its abbreviations (`lt_u`, `extadd`).

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
