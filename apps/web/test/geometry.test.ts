import { describe, expect, test } from "vitest";
import { axisTime, axisX, arrowHeadOf, lanesWithin, spaced } from "../src/inspector/diagram/geometry.ts";
import type { Arrow } from "../src/inspector/diagram/sequence.ts";

const arrow = (from: Arrow["from"], to: Arrow["to"], fromY: number, toY: number): Arrow => ({
  id: "x",
  from,
  to,
  hop: "page-gateway",
  label: "",
  fromMs: 0,
  toMs: 1,
  isDerived: false,
  isFailure: false,
  span: undefined,
  source: undefined,
  fromY,
  toY,
});

/** The corners of a head, the point first. */
const corners = (points: string) => points.split(" ").map((corner) => corner.split(",").map(Number));

describe("the diagram's geometry", () => {
  test.each([320, 500, 900])("puts the gateway in the middle, whatever the width: %d", (width) => {
    const [browser, gateway, server] = lanesWithin(width);
    expect(gateway - browser).toBe(server - gateway);
    expect(browser).toBeGreaterThan(axisX);
    expect(server).toBeLessThan(width);
  });

  test.each([
    ["to the right", arrow(0, 1, 10, 10), -1],
    ["to the left", arrow(1, 0, 10, 10), 1],
  ])("points %s, with the head behind its point", (_, drawn, side) => {
    const lanes = lanesWithin(500);
    const [point, ...back] = corners(arrowHeadOf(drawn, lanes));
    expect(point).toEqual([lanes[drawn.to], 10]);
    for (const [x = 0] of back) expect(Math.sign(x - lanes[drawn.to])).toBe(side);
    expect((back[0]?.[1] ?? 0) + (back[1]?.[1] ?? 0)).toBeCloseTo(20);
  });

  test("labels the first tick, and then those that are far enough from the one above", () => {
    const ticks = [12, 20, 27.9, 28, 40, 60].map((y) => ({ y, ms: y }));
    expect(spaced(ticks).map(({ y }) => y)).toEqual([12, 28, 60]);
  });
});

test("a time on the axis has at most nine characters, however long the stream lives", () => {
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
  const times = [
    0.416,
    9999,
    12_345,
    12 * minute + 5300,
    3 * hour + 12 * minute + 5000,
    2 * day + 3 * hour + 12 * minute,
  ];
  expect(times.map(axisTime)).toEqual(["0.42", "9999.00", "12.35 s", "12:05.3", "3:12:05", "2d 03:12"]);
});
