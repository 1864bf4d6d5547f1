import type { PlanStep, Step } from "@wirebook/protocol";

/** One write of the message to TCP. */
export interface StoryWrite {
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
}

/** The writes that were made, as far as is known: as they were noted, or until then as the plan has them. */
export function writesOf(writing: Writing): readonly StoryWrite[] {
  return writing.noted.length > 0 ? notedWrites(writing) : plannedWrites(writing);
}

function notedWrites({ noted }: Writing): StoryWrite[] {
  let offset = 0;
  return noted.map(([ms, bytes], index) => ({ index, offset: (offset += bytes) - bytes, bytes, ms, isNoted: true }));
}

function plannedWrites({ plan, messageBytes, at, sentBytes }: Writing): StoryWrite[] {
  if (at.written === undefined || messageBytes === 0) return [];
  const writes: StoryWrite[] = [];
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
