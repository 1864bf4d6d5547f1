/**
 * A plan: how the bytes of a `raw` frame are written to the server, one write after the other, and how slowly the reply
 * is read [G-11].
 *
 * TCP carries a stream and keeps no boundaries, so what a program does with a message that comes in pieces, late, or
 * never to its end shows only when a client sends it so. The gateway does that, because only there are the writes
 * separate. A plan is small and bounded, and the same plan always does the same.
 */

import * as z from "zod/mini";
import { planMsMax, planStepsMax, rawBytesMax, slowReadBytesMax, slowReadMsMax } from "./limits.ts";

const waitMs = z.int().check(z.minimum(0), z.maximum(planMsMax));

/** One step: so many milliseconds after the one before, write the next bytes, or send FIN (`end`) or RST (`reset`). */
export const planStep = z.union([
  z.strictObject({ afterMs: waitMs, bytes: z.int().check(z.minimum(1), z.maximum(rawBytesMax)) }),
  z.strictObject({ afterMs: waitMs, do: z.enum(["end", "reset"]) }),
]);

/** A step of a plan. */
export type PlanStep = z.infer<typeof planStep>;

/** How a slow reader reads. */
export const readPace = z.strictObject({
  /** Milliseconds from the connection's standing until the first read. */
  afterMs: z.int().check(z.minimum(0), z.maximum(slowReadMsMax)),
  /** Bytes that one read takes at most. */
  bytes: z.int().check(z.minimum(1), z.maximum(slowReadBytesMax)),
  /** Milliseconds between two reads. */
  everyMs: z.int().check(z.minimum(0), z.maximum(slowReadMsMax)),
});

/** The pace of a slow reader. It ends `slowReadMsMax` after the connection stood: the rest is read as it comes. */
export type ReadPace = z.infer<typeof readPace>;

/** The steps of a plan. */
export const plan = z.array(planStep).check(z.minLength(1), z.maxLength(planStepsMax));

/** Milliseconds that a plan takes. */
export function planMs(steps: readonly PlanStep[]): number {
  return steps.reduce((sum, { afterMs }) => sum + afterMs, 0);
}

/** Bytes that a plan writes. */
export function planBytes(steps: readonly PlanStep[]): number {
  return steps.reduce((sum, step) => sum + ("bytes" in step ? step.bytes : 0), 0);
}

/** What is wrong with a plan for so many bytes, in a sentence; `undefined` when nothing is. */
export function findPlanProblem(steps: readonly PlanStep[], messageBytes: number): string | undefined {
  if (steps.length > planStepsMax) {
    return `a plan of ${steps.length} steps is over the limit of ${planStepsMax}; send a shorter message, or cut it less often`;
  }
  const ms = planMs(steps);
  if (ms > planMsMax) return `a plan of ${ms} ms is over the limit of ${planMsMax}; wait less`;
  const bytes = planBytes(steps);
  if (bytes !== messageBytes) {
    return `a plan that writes ${bytes} bytes does not fit a message of ${messageBytes}; let its steps add up`;
  }
  const closing = steps.findIndex((step) => "do" in step);
  if (closing >= 0 && closing < steps.length - 1) return "nothing can follow the step that ends or resets; put it last";
  return undefined;
}
