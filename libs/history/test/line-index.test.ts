import fc from "fast-check";
import { expect, test } from "vitest";
import { LineIndex, endOfLine } from "../src/file/line-index.ts";

/** Where a line begins, found the way the engine does: one block is scanned. */
function startOf(index: LineIndex, bytes: Uint8Array, line: number): number {
  const { offset, lineFeeds } = index.locate(line);
  return offset + endOfLine(bytes.subarray(offset, offset + index.blockBytes), lineFeeds);
}

/** Where all lines begin, and where the next one will. */
function startsOf(bytes: Uint8Array): number[] {
  const starts = [0];
  for (const [at, byte] of bytes.entries()) if (byte === 0x0a) starts.push(at + 1);
  return starts;
}

/** Text in which line feeds are frequent enough to fall on both sides of every boundary. */
const text = fc
  .array(fc.constantFrom(0x0a, 0x61, 0x62), { maxLength: 400 })
  .map((bytes) => Uint8Array.from([...bytes, 0x0a]));

test("finds every line, whatever the size of a block and of the pieces in which the bytes came", () => {
  fc.assert(
    fc.property(
      text,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 70 }),
      (bytes, blockBytes, pieceBytes) => {
        const index = new LineIndex(blockBytes);
        for (let at = 0; at < bytes.length; at += pieceBytes) index.add(bytes.subarray(at, at + pieceBytes));
        const starts = startsOf(bytes);
        expect([index.bytes, index.lines]).toEqual([bytes.length, starts.length - 1]);
        expect(starts.map((_, at) => startOf(index, bytes, at + 1))).toEqual(starts);
      },
    ),
  );
});

test("finds lines at the boundaries of blocks of 16 KiB", () => {
  const blockBytes = 16 * 1024;
  const bytes = new Uint8Array(3 * blockBytes).fill(0x61);
  for (const at of [blockBytes - 2, blockBytes - 1, blockBytes, 2 * blockBytes - 1, 3 * blockBytes - 1])
    bytes[at] = 0x0a;
  const index = new LineIndex(blockBytes);
  index.add(bytes);
  expect([1, 2, 3, 4, 5, 6].map((line) => startOf(index, bytes, line))).toEqual(startsOf(bytes));
});

test("finds lines that are longer than a block", () => {
  const bytes = Buffer.from(`a\n${"b".repeat(100)}\nc\n`);
  const index = new LineIndex(8);
  index.add(bytes);
  expect([1, 2, 3, 4].map((line) => startOf(index, bytes, line))).toEqual([0, 2, 103, 105]);
});

test("finds the end of a line", () => {
  const bytes = Buffer.from("a\n\nbc\n");
  expect([1, 2, 3].map((ordinal) => endOfLine(bytes, ordinal))).toEqual([2, 3, 6]);
});
