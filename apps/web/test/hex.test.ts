import { expect, test } from "vitest";
import { hexRow, offsetText } from "../src/inspector/bytes/hex.ts";

test("a row has an offset, hex pairs and characters", () => {
  const bytes = Uint8Array.from([0x61, 0x62, 0x20, 0x0a, 0x00, 0xc3]);
  const { offset, cells } = hexRow(bytes, 0, 4);
  expect([offset, cells.map(({ hex }) => hex), cells.map(({ character }) => character).join("")]).toEqual([
    0,
    ["61", "62", "20", "0a"],
    "ab ↵",
  ]);
  expect(hexRow(bytes, 1, 4).cells.map(({ kind }) => kind)).toEqual(["control", "high"]);
});

test("a byte that is not kept is drawn as dashes", () => {
  const kept = [0x61, undefined, 0xc3, undefined];
  const { cells } = hexRow({ length: 4, slice: (from, to) => kept.slice(from, to) }, 0, 4);
  expect(cells.map(({ hex }) => hex)).toEqual(["61", "--", "c3", "--"]);
});

test("offsets are as wide as they must be", () => {
  expect([offsetText(16), offsetText(0x12345)]).toEqual(["0010", "12345"]);
});
