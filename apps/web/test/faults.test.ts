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
import {
  deletes,
  isOrdinary,
  Lab,
  makeExperiment,
  numberBounds,
  ordinary,
  presets,
} from "../src/fault-lab/lab.svelte.ts";
import type { FaultSettings } from "../src/fault-lab/lab.svelte.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import { server } from "./stream-samples.ts";

const streamOf = (message: string) =>
  new Stream(1, { target: server, user: "", message, by: "user" }, "connect", { atMs: 0, text: "" });
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
  lineEnd: fc.constantFrom("LF", "CRLF", "CR", "none"),
  cut: fc.constantFrom("whole", "bytes", "at"),
  close: fc.constantFrom("open", "end", "reset"),
  reading: fc.constantFrom("fast", "slow"),
  delayMs: fc.integer({ min: 0, max: 2000 }),
  at: fc.integer({ min: 1, max: 60 }),
  gapMs: fc.integer({ min: 0, max: 300 }),
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
    expect(longer.problem).toBe(
      "a write schedule of 513 steps is over the limit of 512; send a shorter message, or cut it less often",
    );
  });

  test("says what is wrong with the rest", () => {
    expect(problemOf({ cut: "at", at: 10 })).toBeUndefined();
    expect(problemOf({ cut: "at", at: 11 })).toContain("cannot be split after 11");
    expect(problemOf({ message: "", lineEnd: "none" })).toContain("nothing to send");
    expect(problemOf({ message: "", lineEnd: "none", close: "end" })).toBeUndefined();
    expect(problemOf({ delayMs: scheduleMsMax })).toBeUndefined();
    expect(problemOf({ delayMs: scheduleMsMax, cut: "at", gapMs: 1 })).toContain("wait less");
    expect(problemOf({ message: "x".repeat(firstBytesMax - 1) })).toBeUndefined();
    expect(problemOf({ message: "x".repeat(firstBytesMax) })).toContain("over the limit of 8,192");
  });

  test("writes as any client does where only the message, the reads or the runs are other than usual", () => {
    const plain = Object.entries(presets).flatMap(([name, preset]) =>
      isOrdinary(makeExperiment(set(preset)).schedule) ? [name] : [],
    );
    expect(plain).toEqual(["As usual", "No newline", "Slow reader", "Eight at once"]);
    expect(isOrdinary(makeExperiment(set({ message: "", lineEnd: "none", close: "end" })).schedule)).toBe(false);
  });

  test("is each preset's, without a problem", () => {
    for (const preset of Object.values(presets)) expect(problemOf(preset)).toBeUndefined();
  });
});

test("knows what deletes", () => {
  expect(deletes(makeExperiment(set({ message: "brick 3" })))).toBe(true);
  expect(deletes(makeExperiment(set({ message: "brick 2\nbrick 3" })))).toBe(false);
});

test("takes the message of the stream that is inspected until it is edited, and of the one to be broken then, too", () => {
  const streams = { selected: streamOf("otter~s3cret 6\n"), target: server, connect: () => undefined };
  const lab = new Lab(streams, { withKey: (name) => name }, () => {});
  expect(lab.settings.message).toBe("otter 6");
  lab.change({ message: "my own" });
  streams.selected = streamOf("brick 2\n");
  expect(lab.settings.message).toBe("my own");
  lab.takeMessage();
  expect(lab.settings.message).toBe("brick 2");
});
