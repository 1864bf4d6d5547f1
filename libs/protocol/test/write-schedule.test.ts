import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodePageFrame,
  encodeFrame,
  findScheduleProblem,
  scheduleBytes,
  scheduleMsMax,
  scheduleStepsMax,
  slowReadBytesMax,
  slowReadMsMax,
} from "../src/index.ts";
import type { ScheduleStep, ReadRate } from "../src/index.ts";

/** What the reader says of a frame with such a write schedule for so many bytes. */
function read(bytes: number, schedule: readonly ScheduleStep[], end = false): string | undefined {
  const base64 = btoa("x".repeat(bytes));
  const decoded = decodePageFrame(
    encodeFrame({ type: "connect", target: "wirebook", id: 1, bytes: base64, end, schedule: [...schedule] }),
  );
  return "problem" in decoded ? decoded.problem : undefined;
}

function readRate(pace: ReadRate): string | undefined {
  const decoded = decodePageFrame(
    encodeFrame({ type: "connect", target: "wirebook", id: 1, bytes: "", end: false, read: pace }),
  );
  return "problem" in decoded ? decoded.problem : undefined;
}

const single = (steps: number): ScheduleStep[] => Array.from({ length: steps }, () => ({ afterMs: 0, bytes: 1 }));

describe("a write schedule", () => {
  test("has at most so many steps", () => {
    expect(read(scheduleStepsMax, single(scheduleStepsMax))).toBeUndefined();
    expect(read(scheduleStepsMax + 1, single(scheduleStepsMax + 1))).toMatch(/schedule/);
    expect(findScheduleProblem(single(scheduleStepsMax + 1), scheduleStepsMax + 1)).toContain(
      `over the limit of ${scheduleStepsMax}`,
    );
    expect(read(0, [])).toMatch(/schedule/);
  });

  test("may stand beside bytes that are no base64, which are refused", () => {
    const frame = { type: "connect", target: "wirebook", id: 1, end: false, schedule: [{ afterMs: 0, bytes: 1 }] };
    for (const bytes of ["A", "====", "a b=", "\u0000"]) {
      expect(decodePageFrame(JSON.stringify({ ...frame, bytes }))).toMatchObject({
        problem: expect.stringContaining("bytes"),
      });
    }
  });

  test("waits at most so long in all", () => {
    const first = { afterMs: scheduleMsMax - 1, bytes: 1 };
    expect(read(2, [first, { afterMs: 1, bytes: 1 }])).toBeUndefined();
    expect(read(2, [first, { afterMs: 2, bytes: 1 }])).toBe(
      `a write schedule of ${scheduleMsMax + 1} ms is over the limit of ${scheduleMsMax}; wait less`,
    );
  });

  test("writes exactly the bytes of its frame", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }), (parts) => {
        const schedule = parts.map((bytes) => ({ afterMs: 0, bytes }));
        expect(read(scheduleBytes(schedule), schedule)).toBeUndefined();
        expect(read(scheduleBytes(schedule) + 1, schedule)).toContain("does not fit a message of");
        expect(read(scheduleBytes(schedule) - 1, schedule)).toContain("does not fit a message of");
      }),
    );
  });

  test("ends or resets only at its end, and by a step alone", () => {
    const end: ScheduleStep = { afterMs: 0, do: "end" };
    expect(read(1, [{ afterMs: 0, bytes: 1 }, end])).toBeUndefined();
    expect(read(0, [end])).toBeUndefined();
    expect(read(1, [end, { afterMs: 0, bytes: 1 }])).toContain("put it last");
    expect(read(1, [{ afterMs: 0, bytes: 1 }], true)).toContain("end false");
  });
});

describe("the rate of a slow reader", () => {
  test("has bounds", () => {
    const pace = { afterMs: slowReadMsMax, bytes: slowReadBytesMax, everyMs: slowReadMsMax };
    expect(readRate(pace)).toBeUndefined();
    expect(readRate({ ...pace, afterMs: slowReadMsMax + 1 })).toMatch(/read/);
    expect(readRate({ ...pace, everyMs: slowReadMsMax + 1 })).toMatch(/read/);
    expect(readRate({ ...pace, bytes: slowReadBytesMax + 1 })).toMatch(/read/);
    expect(readRate({ ...pace, bytes: 0 })).toMatch(/read/);
  });
});
