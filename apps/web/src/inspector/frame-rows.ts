/** The list of frames and reads: each frame, and what is on TCP beside it, in the order of their times. */

import type { LoggedFrame } from "../exchanges/frame-log.ts";
import type { Span } from "./byte-runs.ts";
import type { TimelineWrite } from "./timeline/timeline.ts";

export interface WireRow {
  readonly frame: LoggedFrame | undefined;
  readonly write: TimelineWrite | undefined;
  /** Since the page sent. */
  readonly ms: number;
  /** The bytes that it carries. */
  readonly span: Span | undefined;
}

/** A single write stands beside the frame that requested it; several have rows of their own. */
export function rowsOf(
  frames: readonly LoggedFrame[],
  writes: readonly TimelineWrite[],
  sentAtMs: number,
  messageBytes: number,
): readonly WireRow[] {
  const [only] = writes.length === 1 ? writes : [];
  const ofFrames = frames.map((frame) => {
    const isFirst = frame.index === 0;
    const write = isFirst ? only : undefined;
    const span = isFirst ? sentSpan(0, messageBytes) : spanOf(frame);
    return { frame, write, ms: frame.atMs - sentAtMs, span };
  });
  if (writes.length <= 1) return ofFrames;
  const ofWrites = writes.map((write) => ({
    frame: undefined,
    write,
    ms: write.ms,
    span: sentSpan(write.offset, write.offset + write.bytes),
  }));
  return [...ofFrames, ...ofWrites].toSorted((a, b) => a.ms - b.ms);
}

/** The bytes of TCP that a frame carries; the first frame, which holds the message, is not among those. */
function spanOf({ read }: LoggedFrame): Span | undefined {
  return read && { stream: "received", from: read.offset, to: read.offset + read.bytes };
}

function sentSpan(from: number, to: number): Span {
  return { stream: "sent", from, to };
}

/** j and k, as in many programs that show lists, and the arrow keys: one further, one back. */
export function stepOf(event: KeyboardEvent): -1 | 0 | 1 {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return 0;
  if (event.key === "j" || event.key === "ArrowDown") return 1;
  if (event.key === "k" || event.key === "ArrowUp") return -1;
  return 0;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}
