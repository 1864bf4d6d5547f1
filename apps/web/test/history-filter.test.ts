import { expect, test } from "vitest";
import { HistoryCopy } from "../src/history/history-copy.ts";
import { HistoryFilter } from "../src/history/history-filter.ts";

function copyOf(first: number, ...lines: string[]): HistoryCopy {
  const copy = new HistoryCopy(first);
  for (const line of lines) copy.append(line);
  return copy;
}

test("an empty text filters nothing", () => {
  expect(new HistoryFilter().find(copyOf(1, "a"), "  ")).toBeUndefined();
});

test("finds lines by any part of them, whatever the case", () => {
  expect(new HistoryFilter().find(copyOf(5, "Brick 2", "otter", "a BRICK"), "brick")).toEqual([5, 7]);
});

test("looks at lines that come, and again at all when lines went or the text changed", () => {
  const filter = new HistoryFilter();
  const copy = copyOf(1, "x1", "y1");
  expect(filter.find(copy, "x")).toEqual([1]);
  copy.append("x2");
  expect(filter.find(copy, "x")).toEqual([1, 3]);
  copy.prepend(["x0"]);
  expect(filter.find(copy, "x")).toEqual([0, 1, 3]);
  expect(filter.find(copy, "y")).toEqual([2]);
});
