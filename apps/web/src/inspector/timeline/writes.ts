import type { PlanStep, Step } from "@wirebook/protocol";

/** One write of the message to TCP. */
export interface TimelineWrite {
  readonly index: number;
  /** Bytes of the message before it. */
  readonly offset: number;
  readonly bytes: number;
  /** When the kernel had taken it. */
  readonly ms: number;
  /** True when the gateway noted the time; false when it follows from the plan. */
  readonly isNoted: boolean;
}

/** What is known of the writing. */
export interface Writing {
  readonly plan: readonly PlanStep[] | undefined;
  readonly messageBytes: number;
  readonly at: Readonly<Partial<Record<Step, number>>>;
  /** Bytes that were taken in all, once that is known. */
  readonly sentBytes: number | undefined;
  /** Time and size of each write as the gateway noted it, once that is known; the first ones [G-8]. */
  readonly noted: readonly (readonly [ms: number, bytes: number])[];
  readonly isRunning: boolean;
}

/**
 * The writes that were made, as far as is known: as they were noted, or as the plan has them.
 *
 * The gateway tells of its writes when the exchange is over. Until then a message without a plan counts as written when
 * the connection stood, which it is; how far a plan has come is not guessed.
 */
export function writesOf(writing: Writing): readonly TimelineWrite[] {
  const { isRunning, plan, messageBytes, at } = writing;
  if (isRunning && at.written === undefined) {
    if (plan !== undefined || at.established === undefined || messageBytes === 0) return [];
    return [{ index: 0, offset: 0, bytes: messageBytes, ms: at.established, isNoted: false }];
  }
  return writing.noted.length > 0 ? notedWrites(writing) : plannedWrites(writing);
}

function notedWrites({ noted }: Writing): TimelineWrite[] {
  let offset = 0;
  return noted.map(([ms, bytes], index) => ({ index, offset: (offset += bytes) - bytes, bytes, ms, isNoted: true }));
}

function plannedWrites({ plan, messageBytes, at, sentBytes }: Writing): TimelineWrite[] {
  if (at.written === undefined || messageBytes === 0) return [];
  const writes: TimelineWrite[] = [];
  let ms = at.written;
  let offset = 0;
  for (const step of plan ?? [{ afterMs: 0, bytes: messageBytes }]) {
    if (!("bytes" in step) || offset + step.bytes > (sentBytes ?? messageBytes)) break;
    const index = writes.length;
    // The first write's time was noted, whatever the plan says of it.
    if (index > 0) ms += step.afterMs;
    writes.push({ index, offset, bytes: step.bytes, ms, isNoted: index === 0 });
    offset += step.bytes;
  }
  return writes;
}
