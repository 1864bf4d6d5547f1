/** What the settings make: the bytes, the plan of their writes, and the pace of the reads. */

import { encodeText, findPlanProblem, planStepsMax, rawBytesMax } from "@wirebook/protocol";
import type { PlanStep, ReadPace } from "@wirebook/protocol";
import { count } from "../ui/format.ts";
import type { FaultSettings } from "./settings.ts";

export interface Experiment {
  readonly bytes: Uint8Array;
  readonly plan: readonly PlanStep[];
  readonly read: ReadPace | undefined;
  /** Why it cannot be run, in a sentence. */
  readonly problem: string | undefined;
}

const endings = { lf: "\n", crlf: "\r\n", none: "" };

/** Never throws: what cannot be run says why. */
export function makeExperiment(settings: FaultSettings): Experiment {
  const bytes = encodeText(settings.message + endings[settings.lineEnd]);
  const plan = planOf(settings, bytes.length);
  const { reading, readAfterMs, readBytes, readEveryMs } = settings;
  const read = reading === "slow" ? { afterMs: readAfterMs, bytes: readBytes, everyMs: readEveryMs } : undefined;
  return { bytes, plan, read, problem: findProblem(settings, bytes.length, plan) };
}

function planOf({ cut, at, delayMs, gapMs, close, closeMs }: FaultSettings, bytes: number): PlanStep[] {
  const sizes = sizesOf(cut, at, bytes);
  const steps: PlanStep[] = sizes.map((size, index) => ({ afterMs: index === 0 ? delayMs : gapMs, bytes: size }));
  if (close === "open") return steps;
  return [...steps, { afterMs: sizes.length === 0 ? delayMs + closeMs : closeMs, do: close }];
}

/** Beyond the bound of a plan no further step is made: it cannot be run anyway. */
function sizesOf(cut: FaultSettings["cut"], at: number, bytes: number): number[] {
  if (bytes === 0) return [];
  if (cut === "bytes") return Array.from({ length: Math.min(bytes, planStepsMax + 1) }, () => 1);
  return cut === "at" && at < bytes ? [at, bytes - at] : [bytes];
}

function findProblem({ cut, at }: FaultSettings, bytes: number, plan: readonly PlanStep[]): string | undefined {
  if (plan.length === 0) return "there is nothing to send; type a message, or end or reset the connection";
  if (bytes > rawBytesMax)
    return `the message has ${count(bytes)} bytes, over the limit of ${count(rawBytesMax)}; shorten it`;
  if (cut === "bytes" && plan.length > planStepsMax) {
    return `one byte at a time takes ${count(bytes)} writes, and a plan has at most ${planStepsMax} steps; shorten the message`;
  }
  if (cut === "at" && at >= bytes) {
    return `the message has ${count(bytes)} bytes, so it cannot be split after ${count(at)}; type a smaller number`;
  }
  return findPlanProblem(plan, bytes);
}
