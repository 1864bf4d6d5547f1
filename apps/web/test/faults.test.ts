import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodePageFrame,
  encodeFrame,
  pageFrameBytesMax,
  scheduleBytes,
  scheduleMsMax,
  scheduleStepsMax,
  firstBytesMax,
} from "@wirebook/protocol";
import { deletes, isOrdinary, makeExperiment } from "../src/fault-lab/experiment.ts";
import {
  applyPreset,
  closes,
  cuts,
  isPreset,
  lineEnds,
  numberBounds,
  numberWithin,
  ordinary,
  presets,
  readings,
} from "../src/fault-lab/settings.ts";
import type { FaultSettings } from "../src/fault-lab/settings.ts";

const set = (some: Partial<FaultSettings>): FaultSettings => ({ ...ordinary, message: "brick 2 -3", ...some });
const problemOf = (some: Partial<FaultSettings>) => makeExperiment(set(some)).problem;
const frameOf = ({ bytes, schedule }: ReturnType<typeof makeExperiment>): string => {
  const base64 = btoa(String.fromCharCode(...bytes));
  return encodeFrame({
    type: "connect",
    id: 1,
    target: "wirebook",
    bytes: base64,
    end: false,
    schedule: [...schedule],
  });
};

const anySettings: fc.Arbitrary<FaultSettings> = fc.record({
  message: fc.string({ unit: "grapheme", maxLength: 40 }),
  lineEnd: fc.constantFrom(...lineEnds),
  cut: fc.constantFrom(...cuts),
  close: fc.constantFrom(...closes),
  reading: fc.constantFrom(...readings),
  delayMs: fc.integer({ min: 0, max: 2000 }),
  at: fc.integer({ min: 1, max: 60 }),
  gapMs: fc.integer({ min: 0, max: 300 }),
  closeMs: fc.integer({ min: 0, max: 2000 }),
  readAfterMs: fc.integer({ min: 0, max: 35_000 }),
  readBytes: fc.integer({ min: 1, max: 65_536 }),
  readEveryMs: fc.integer({ min: 0, max: 35_000 }),
  runs: fc.integer({ min: 1, max: numberBounds.runs[1] }),
});

describe("an experiment", () => {
  test("that has no problem makes a frame that the gateway takes, of exactly the message's bytes", () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        const experiment = makeExperiment(settings);
        fc.pre(experiment.problem === undefined);
        expect(scheduleBytes(experiment.schedule)).toBe(experiment.bytes.length);
        expect(decodePageFrame(frameOf(experiment))).toHaveProperty("frame");
      }),
    );
  });

  test("sends one byte at a time as far as a write schedule goes, in a frame that is small enough", () => {
    const longest = set({ message: "x".repeat(scheduleStepsMax - 1), cut: "bytes", gapMs: 23 });
    expect(makeExperiment(longest).problem).toBeUndefined();
    expect(frameOf(makeExperiment(longest)).length).toBeLessThanOrEqual(pageFrameBytesMax);
    const longer = makeExperiment({ ...longest, message: `x${longest.message}` });
    expect(longer.problem).toBe("byte by byte takes 513 writes, over the limit of 512 steps; shorten the message");
  });

  test("says what is wrong with the rest", () => {
    expect(problemOf({ cut: "at", at: 10 })).toBeUndefined();
    expect(problemOf({ cut: "at", at: 11 })).toContain("cannot be split after 11");
    expect(problemOf({ message: "", lineEnd: "none" })).toContain("nothing to send");
    expect(problemOf({ message: "", lineEnd: "none", close: "end" })).toBeUndefined();
    expect(problemOf({ delayMs: scheduleMsMax })).toBeUndefined();
    expect(problemOf({ delayMs: scheduleMsMax, close: "end", closeMs: 1 })).toContain("wait less");
    expect(problemOf({ message: "x".repeat(firstBytesMax - 1) })).toBeUndefined();
    expect(problemOf({ message: "x".repeat(firstBytesMax) })).toContain("over the limit of 8,192");
  });

  test("writes as any client does where only the message, the reads or the runs are other than usual", () => {
    const isPlain = presets.filter((preset) => isOrdinary(makeExperiment(applyPreset(preset, ordinary)).schedule));
    expect(isPlain.map(({ name }) => name)).toEqual(["As usual", "No newline", "Slow reader", "Eight at once"]);
    expect(isOrdinary(makeExperiment(set({ message: "", lineEnd: "none", close: "end" })).schedule)).toBe(false);
  });

  test("is each preset's, without a problem", () => {
    for (const preset of presets) expect(makeExperiment(applyPreset(preset, set({}))).problem).toBeUndefined();
    for (const preset of presets) {
      const own = applyPreset(preset, set({ message: "otter" }));
      expect(presets.filter((each) => isPreset(each, own))).toEqual([preset]);
    }
  });
});

test("has numbers at their bounds, and none past them", () => {
  for (const [name, [least, most]] of Object.entries(numberBounds)) {
    const within = (value: number) => numberWithin(name as keyof typeof numberBounds, String(value));
    expect([within(least), within(most), within(least - 1), within(most + 1)]).toEqual([
      least,
      most,
      undefined,
      undefined,
    ]);
  }
  expect(numberWithin("runs", "two")).toBeUndefined();
});

test("knows what deletes", () => {
  expect(deletes(makeExperiment(set({ message: "brick 3" })))).toBe(true);
  expect(deletes(makeExperiment(set({ message: "brick 2\nbrick 3" })))).toBe(false);
});
