import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodePageFrame,
  encodeFrame,
  findPlanProblem,
  planBytes,
  planMsMax,
  planStepsMax,
  slowReadBytesMax,
  slowReadMsMax,
} from "../src/index.ts";
import type { PlanStep, ReadPace } from "../src/index.ts";

/** What the reader says of a frame with such a plan for so many bytes. */
function read(bytes: number, plan: readonly PlanStep[], end = false): string | undefined {
  const base64 = btoa("x".repeat(bytes));
  const decoded = decodePageFrame(encodeFrame({ type: "raw", id: 1, bytes: base64, end, plan: [...plan] }));
  return "problem" in decoded ? decoded.problem : undefined;
}

function readPace(pace: ReadPace): string | undefined {
  const decoded = decodePageFrame(encodeFrame({ type: "raw", id: 1, bytes: "", end: false, read: pace }));
  return "problem" in decoded ? decoded.problem : undefined;
}

const single = (steps: number): PlanStep[] => Array.from({ length: steps }, () => ({ afterMs: 0, bytes: 1 }));

describe("a plan", () => {
  test("has at most so many steps", () => {
    expect(read(planStepsMax, single(planStepsMax))).toBeUndefined();
    expect(read(planStepsMax + 1, single(planStepsMax + 1))).toMatch(/plan/);
    expect(findPlanProblem(single(planStepsMax + 1), planStepsMax + 1)).toContain(`over the limit of ${planStepsMax}`);
    expect(read(0, [])).toMatch(/plan/);
  });

  test("waits at most so long in all", () => {
    const first = { afterMs: planMsMax - 1, bytes: 1 };
    expect(read(2, [first, { afterMs: 1, bytes: 1 }])).toBeUndefined();
    expect(read(2, [first, { afterMs: 2, bytes: 1 }])).toBe(
      `a plan of ${planMsMax + 1} ms is over the limit of ${planMsMax}; wait less`,
    );
  });

  test("writes exactly the bytes of its frame", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }), (parts) => {
        const plan = parts.map((bytes) => ({ afterMs: 0, bytes }));
        expect(read(planBytes(plan), plan)).toBeUndefined();
        expect(read(planBytes(plan) + 1, plan)).toContain("does not fit a message of");
        expect(read(planBytes(plan) - 1, plan)).toContain("does not fit a message of");
      }),
    );
  });

  test("ends or resets only at its end, and by a step alone", () => {
    const end: PlanStep = { afterMs: 0, do: "end" };
    expect(read(1, [{ afterMs: 0, bytes: 1 }, end])).toBeUndefined();
    expect(read(0, [end])).toBeUndefined();
    expect(read(1, [end, { afterMs: 0, bytes: 1 }])).toContain("put it last");
    expect(read(1, [{ afterMs: 0, bytes: 1 }], true)).toContain("end false");
  });
});

describe("the pace of a slow reader", () => {
  test("has bounds", () => {
    const pace = { afterMs: slowReadMsMax, bytes: slowReadBytesMax, everyMs: slowReadMsMax };
    expect(readPace(pace)).toBeUndefined();
    expect(readPace({ ...pace, afterMs: slowReadMsMax + 1 })).toMatch(/read/);
    expect(readPace({ ...pace, everyMs: slowReadMsMax + 1 })).toMatch(/read/);
    expect(readPace({ ...pace, bytes: slowReadBytesMax + 1 })).toMatch(/read/);
    expect(readPace({ ...pace, bytes: 0 })).toMatch(/read/);
  });
});
