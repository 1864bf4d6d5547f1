/** What the settings make: the bytes, the write schedule and the rate of the reads. */

import {
  decodeText,
  encodeText,
  findScheduleProblem,
  firstBytesMax,
  isDestructive,
  scheduleStepsMax,
} from "@wirebook/protocol";
import type { ScheduleStep, ReadRate } from "@wirebook/protocol";
import { count } from "../ui/format.ts";
import type { FaultSettings } from "./settings.ts";

export interface Experiment {
  readonly bytes: Uint8Array;
  readonly schedule: readonly ScheduleStep[];
  readonly read: ReadRate | undefined;
  /** Why it cannot be run, in a sentence. */
  readonly problem: string | undefined;
}

const endings = { lf: "\n", crlf: "\r\n", none: "" };

/** Never throws: what cannot be run says why. */
export function makeExperiment(settings: FaultSettings): Experiment {
  const bytes = encodeText(settings.message + endings[settings.lineEnd]);
  const schedule = scheduleOf(settings, bytes.length);
  const { reading, readAfterMs, readBytes, readEveryMs } = settings;
  const read = reading === "slow" ? { afterMs: readAfterMs, bytes: readBytes, everyMs: readEveryMs } : undefined;
  return { bytes, schedule, read, problem: findProblem(settings, bytes.length, schedule) };
}

function scheduleOf({ cut, at, delayMs, gapMs, close, closeMs }: FaultSettings, bytes: number): ScheduleStep[] {
  const sizes = sizesOf(cut, at, bytes);
  const steps: ScheduleStep[] = sizes.map((size, index) => ({ afterMs: index === 0 ? delayMs : gapMs, bytes: size }));
  if (close === "open") return steps;
  return [...steps, { afterMs: sizes.length === 0 ? delayMs + closeMs : closeMs, do: close }];
}

/** True for one write at once into a connection that stays open: any client writes so. */
export function isOrdinary([step, ...rest]: readonly ScheduleStep[]): boolean {
  return rest.length === 0 && step !== undefined && "bytes" in step && step.afterMs === 0;
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
  if (cut === "bytes" && schedule.length > scheduleStepsMax) {
    return `byte by byte takes ${count(bytes)} writes, over the limit of ${scheduleStepsMax} steps; shorten the message`;
  }
  if (cut === "at" && at >= bytes) {
    return `the message has ${count(bytes)} bytes, so it cannot be split after ${count(at)}; type a smaller number`;
  }
  return findScheduleProblem(schedule, bytes);
}

/** True when the message deletes something, if it ends. */
export function deletes({ bytes }: Experiment): boolean {
  const [message = ""] = decodeText(bytes).split("\n", 1);
  const [, ...words] = message.split(/\s+/u).filter((word) => word !== "");
  return isDestructive(words);
}
