import { describe, expect, test } from "vitest";
import { axisX, lanesWithin, placeLabels } from "../src/inspector/diagram/layout.ts";
import type { Arrow } from "../src/inspector/diagram/layout.ts";

const lanes = [0, 160, 320] as const;
const arrow = (from: Arrow["from"], to: Arrow["to"], fromY: number, toY: number, label: string): Arrow => ({
  id: label,
  from,
  to,
  fromMs: fromY,
  toMs: toY,
  hop: "page-gateway",
  label,
  fromY,
  toY,
});

test.each([320, 500, 900])("the gateway is in the middle, whatever the width: %d", (width) => {
  const [browser, gateway, server] = lanesWithin(width);
  expect(gateway - browser).toBeCloseTo(server - gateway);
  expect(browser).toBeGreaterThan(axisX);
  expect(server).toBeLessThan(width);
});

describe("the labels of arrows", () => {
  test("stand above the middle of their arrow", () => {
    expect(placeLabels([arrow(1, 0, 10, 10, "FIN")], lanes)).toMatchObject([{ x: 80, y: 7, text: "FIN" }]);
    // A slanted arrow does not run through it.
    const [label] = placeLabels([arrow(0, 1, 10, 26, "message, 8 B")], lanes);
    expect(label?.y).toBeLessThan(18 - (0.1 * (label?.width ?? 0)) / 2);
  });

  test("give way to each other where arrows cross or stand close", () => {
    const crossing = [arrow(0, 1, 10, 24, "binary, 25 B"), arrow(1, 0, 10, 24, "binary, 24 B")];
    const [one, other] = placeLabels(crossing, [0, 320, 320]);
    expect([one?.isCovering, other?.isCovering]).toEqual([false, false]);
    expect(Math.abs((one?.x ?? 0) - (other?.x ?? 0))).toBeGreaterThanOrEqual(one?.width ?? Infinity);
  });

  test("are left out where there is no place", () => {
    const same = Array.from({ length: 3 }, () => arrow(1, 0, 10, 10, "binary, 65540 B"));
    expect(placeLabels(same, lanes).map(({ isCovering }) => isCovering)).toEqual([false, true, true]);
  });

  test("give way to each other along steep arrows that arrive in the same moment", () => {
    const arrows = [0, 14, 28].map((fromY) => arrow(1, 0, fromY, 200, "binary, 65540 B"));
    const labels = placeLabels(arrows, lanes).toSorted((a, b) => a.y - b.y);
    labels.slice(1).forEach((label, index) => expect(label.y - (labels[index]?.y ?? 0)).toBeGreaterThanOrEqual(12));
  });
});
