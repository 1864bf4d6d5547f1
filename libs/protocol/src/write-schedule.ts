/**
 * A write schedule: how the bytes of a `connect` frame are written to the target, one write after the other, and how
 * slowly the target is read [G-11].
 */

import * as z from "zod/mini";
import { scheduleMsMax, scheduleStepsMax, firstBytesMax, slowReadBytesMax, slowReadMsMax } from "./limits.ts";

const waitMs = z.int().check(z.minimum(0), z.maximum(scheduleMsMax));

/** One step: so many milliseconds after the one before, write the next bytes, or send FIN (`end`) or RST (`reset`). */
export const scheduleStep = z.union([
  z.strictObject({ afterMs: waitMs, bytes: z.int().check(z.minimum(1), z.maximum(firstBytesMax)) }),
  z.strictObject({ afterMs: waitMs, do: z.enum(["end", "reset"]) }),
]);

export type ScheduleStep = z.infer<typeof scheduleStep>;

export const readRate = z.strictObject({
  /** Milliseconds from the connection's standing until the first read. */
  afterMs: z.int().check(z.minimum(0), z.maximum(slowReadMsMax)),
  /** Bytes that one read takes at most. */
  bytes: z.int().check(z.minimum(1), z.maximum(slowReadBytesMax)),
  /** Milliseconds between two reads. */
  everyMs: z.int().check(z.minimum(0), z.maximum(slowReadMsMax)),
});

/** The rate of a slow reader. It ends `slowReadMsMax` after the connection stood: the rest is read as it comes. */
export type ReadRate = z.infer<typeof readRate>;

export const schedule = z.array(scheduleStep).check(z.minLength(1), z.maxLength(scheduleStepsMax));

export function scheduleBytes(steps: readonly ScheduleStep[]): number {
  return steps.reduce((sum, step) => sum + ("bytes" in step ? step.bytes : 0), 0);
}

/** What is wrong with a write schedule for so many bytes, in a sentence; `undefined` when nothing is. */
export function findScheduleProblem(steps: readonly ScheduleStep[], messageBytes: number): string | undefined {
  if (steps.length > scheduleStepsMax) {
    return `a write schedule of ${steps.length} steps is over the limit of ${scheduleStepsMax}; send a shorter message, or cut it less often`;
  }
  const ms = steps.reduce((sum, { afterMs }) => sum + afterMs, 0);
  if (ms > scheduleMsMax) return `a write schedule of ${ms} ms is over the limit of ${scheduleMsMax}; wait less`;
  const bytes = scheduleBytes(steps);
  if (bytes !== messageBytes) {
    return `a write schedule that writes ${bytes} bytes does not fit a message of ${messageBytes}; let its steps add up`;
  }
  const closing = steps.findIndex((step) => "do" in step);
  if (closing >= 0 && closing < steps.length - 1) return "nothing can follow the step that ends or resets; put it last";
  return undefined;
}
