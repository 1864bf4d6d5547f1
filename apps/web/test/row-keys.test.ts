import { expect, test } from "vitest";
import { rowAfterKey } from "../src/history/view/history-view.svelte.ts";

const list = { count: 100, seen: 20 };

test.each([
  ["ArrowDown", 51],
  ["j", 51],
  ["ArrowUp", 49],
  ["k", 49],
  ["PageDown", 69],
  ["PageUp", 31],
  ["Home", 0],
  ["End", 99],
  ["x", undefined],
])("%s leads from row 50 to %s", (key, row) => {
  expect(rowAfterKey(key, 50, list)).toBe(row);
});

test("a list in which one row is seen moves by that row", () => {
  expect(rowAfterKey("PageDown", 50, { count: 100, seen: 1 })).toBe(51);
});
