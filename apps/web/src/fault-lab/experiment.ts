/** The settings of the fault lab, and what they make: the bytes, the write schedule and the rate of the reads. */

import {
  decodeText,
  findScheduleProblem,
  firstBytesMax,
  isDestructive,
  scheduleMsMax,
  scheduleStepsMax,
  slowReadBytesMax,
  slowReadMsMax,
} from "@wirebook/protocol";
import type { ScheduleStep, ReadRate } from "@wirebook/protocol";
import { encodeLines } from "../conversation/line-bytes.ts";
import type { LineEnd } from "../conversation/line-bytes.ts";
import { count } from "../ui/format.ts";

export interface FaultSettings {
  /** Without its line end. */
  readonly message: string;
  readonly lineEnd: LineEnd;
  readonly delayMs: number;
  /** Written at once, one byte at a time, or in two parts. */
  readonly cut: "whole" | "bytes" | "at";
  /** Bytes of the first of two parts. */
  readonly at: number;
  readonly gapMs: number;
  /** After the last write the connection stays open, or is closed by FIN or RST. */
  readonly close: "open" | "end" | "reset";
  readonly reading: "fast" | "slow";
  /** Of a slow reader: bytes that one read takes, milliseconds between two. */
  readonly readBytes: number;
  readonly readEveryMs: number;
  readonly runs: number;
}

export const numberBounds = {
  delayMs: [0, scheduleMsMax],
  at: [1, firstBytesMax],
  gapMs: [0, scheduleMsMax],
  readBytes: [1, slowReadBytesMax],
  readEveryMs: [0, slowReadMsMax],
  runs: [1, 32],
} as const satisfies Partial<Record<keyof FaultSettings, readonly [least: number, most: number]>>;

export const ordinary: FaultSettings = {
  message: "brick 2 -3",
  lineEnd: "LF",
  delayMs: 0,
  cut: "whole",
  at: 3,
  gapMs: 100,
  close: "open",
  reading: "fast",
  readBytes: 64,
  readEveryMs: 50,
  runs: 1,
};

const { message: _, ...usual } = ordinary;

/** Settings for any message. */
export const presets: Readonly<Record<string, Omit<FaultSettings, "message">>> = {
  "As usual": usual,
  Late: { ...usual, delayMs: 400 },
  "Byte by byte": { ...usual, cut: "bytes", gapMs: 60 },
  Split: { ...usual, cut: "at", at: 7, gapMs: 400 },
  "No newline": { ...usual, lineEnd: "none" },
  "Half-closed": { ...usual, lineEnd: "none", close: "end" },
  Reset: { ...usual, close: "reset" },
  "Slow reader": { ...usual, reading: "slow" },
  "Eight at once": { ...usual, runs: 8 },
};

export interface Experiment {
  readonly bytes: Uint8Array;
  readonly schedule: readonly ScheduleStep[];
  readonly read: ReadRate | undefined;
  /** Why it cannot be run, in a sentence. */
  readonly problem: string | undefined;
}

/** Never throws: what cannot be run says why. */
export function makeExperiment(settings: FaultSettings): Experiment {
  const { message, lineEnd, cut, at, delayMs, gapMs, close, reading, readBytes, readEveryMs } = settings;
  const bytes = encodeLines(message, lineEnd);
  const steps = sizesOf(cut, at, bytes.length);
  const schedule: ScheduleStep[] = steps.map((size, index) => ({
    afterMs: index === 0 ? delayMs : gapMs,
    bytes: size,
  }));
  if (close !== "open") schedule.push({ afterMs: schedule.length === 0 ? delayMs : 0, do: close });
  const read = reading === "slow" ? { afterMs: 0, bytes: readBytes, everyMs: readEveryMs } : undefined;
  return { bytes, schedule, read, problem: findProblem(settings, bytes.length, schedule) };
}

/** One step over the limit is enough: the schedule cannot be run. */
function sizesOf(cut: FaultSettings["cut"], at: number, bytes: number): number[] {
  if (bytes === 0) return [];
  if (cut === "bytes") return Array.from({ length: Math.min(bytes, scheduleStepsMax + 1) }, () => 1);
  return cut === "at" && at < bytes ? [at, bytes - at] : [bytes];
}

function findProblem({ cut, at }: FaultSettings, bytes: number, schedule: readonly ScheduleStep[]): string | undefined {
  if (schedule.length === 0) return "there is nothing to send; type a message, or half-close or reset the connection";
  if (bytes > firstBytesMax)
    return `the message has ${count(bytes)} bytes, over the limit of ${count(firstBytesMax)}; shorten it`;
  if (cut === "at" && at >= bytes)
    return `the message has ${count(bytes)} bytes, so it cannot be split after ${count(at)}; type a smaller number`;
  return findScheduleProblem(schedule, bytes);
}

/** True for one write at once into a connection that stays open: any client writes so. */
export function isOrdinary([step, ...rest]: readonly ScheduleStep[]): boolean {
  return rest.length === 0 && step !== undefined && "bytes" in step && step.afterMs === 0;
}

/** True when the message deletes something, if it ends. */
export function deletes({ bytes }: Experiment): boolean {
  const [message = ""] = decodeText(bytes).split("\n", 1);
  const [, ...words] = message.split(/\s+/u).filter((word) => word !== "");
  return isDestructive(words);
}
