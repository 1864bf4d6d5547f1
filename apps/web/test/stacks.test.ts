import { expect, test } from "vitest";
import { Histogram, others, SeriesColours, stackUp } from "../src/history/search/histogram.ts";

const start = Date.parse("2026-11-22T20:31:00Z");

test("shows the biggest series by name and puts the rest together", () => {
  const tally = new Histogram();
  for (const [second, name] of [
    [0, "b"],
    [0, "a"],
    [2, "a"],
    [2, "c"],
    [2, "d"],
    [2, "b"],
    [2, "a"],
  ] as const) {
    tally.add(start + second * 1000, name);
  }
  expect(stackUp(tally, 2)).toEqual({
    names: ["a", "b", "others"],
    totals: [3, 2, 2],
    columns: [
      { startMs: start, total: 2, lines: [1, 1, 0] },
      { startMs: start + 1000, total: 0, lines: [0, 0, 0] },
      { startMs: start + 2000, total: 5, lines: [2, 1, 2] },
    ],
    widthMs: 1000,
  });
});

test("a name keeps its colour while others come and go", () => {
  const colours = new SeriesColours(3);
  expect(colours.of(["a", "b", "c", others])).toEqual([0, 1, 2, 3]);
  expect(colours.of(["b"])).toEqual([1]);
  expect(colours.of(["c", "a", others])).toEqual([2, 0, 3]);
  // There is no fourth colour, so one that is not shown has to give up its own.
  expect(colours.of(["a", "c", "d"])).toEqual([0, 2, 1]);
});
