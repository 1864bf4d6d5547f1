import { expect, test } from "vitest";
import { columnPath, Histogram, describeTimeRange, stackUp, toPrefix } from "../src/history/search/histogram.ts";

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
    highest: 5,
  });
});

test("draws a series on top of those before it, and nothing where it has no line", () => {
  const tally = new Histogram();
  for (const [second, name] of [
    [0, "a"],
    [0, "a"],
    [0, "b"],
    [1, "a"],
    [2, "b"],
    [2, "b"],
    [2, "b"],
    [2, "b"],
  ] as const) {
    tally.add(start + second * 1000, name);
  }
  const stacks = stackUp(tally, 2);
  expect(stacks.names).toEqual(["b", "a"]);
  expect(columnPath(stacks, 0, 40, 50)).toBe("M0 50v-10h0.9v10zM2 50v-40h0.9v40z");
  expect(columnPath(stacks, 1, 40, 50)).toBe("M0 40v-20h0.9v20zM1 50v-10h0.9v10z");
});

test("says a stretch of time in UTC", () => {
  expect(toPrefix(start)).toBe("2026-11-22T20:31:00");
  expect(describeTimeRange(start, start + 60_000)).toBe("2026-11-22 20:31:00 to 20:32:00");
  expect(describeTimeRange(start, start + 86_400_000)).toBe("2026-11-22 20:31:00 to 2026-11-23 20:31:00");
});
