import { describe, expect, test } from "vitest";
import type { Arrow } from "../src/inspector/diagram/sequence.ts";
import { placeLabels } from "../src/inspector/diagram/geometry.ts";

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
  isDerived: false,
  isFailure: false,
  span: undefined,
  source: undefined,
});

describe("the labels of arrows", () => {
  test("stand above a flat arrow and turn with it", () => {
    const [right] = placeLabels([arrow(0, 1, 10, 24, "message, 8 B")], lanes);
    expect(right?.degrees).toBeCloseTo(5, 0);
    expect(right?.y).toBeCloseTo(17 - 7, 0);
    const [left] = placeLabels([arrow(1, 0, 10, 24, "FIN")], lanes);
    expect(left?.degrees).toBeCloseTo(-5, 0);
  });

  test("stay level in the middle of a steep one", () => {
    expect(placeLabels([arrow(1, 0, 0, 200, "open")], lanes)).toMatchObject([
      { x: 80, y: 100, degrees: 0, text: "open" },
    ]);
  });

  test("give way to each other where flat arrows cross or stand close", () => {
    const crossing = [arrow(0, 1, 10, 24, "binary, 25 B"), arrow(1, 0, 10, 24, "binary, 24 B")];
    const labels = placeLabels(crossing, [0, 320, 320]);
    expect(labels.map(({ isCovering }) => isCovering)).toEqual([false, false]);
    expect(Math.abs((labels[0]?.x ?? 0) - (labels[1]?.x ?? 0))).toBeGreaterThanOrEqual(labels[0]?.width ?? Infinity);
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
