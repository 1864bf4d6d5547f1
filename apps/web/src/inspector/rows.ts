/** The list of frames and chunks: each frame, and what is on TCP beside it, in the order of their times. */

import type { LoggedFrame } from "../exchanges/frame-log.ts";
import type { Span } from "./span.ts";
import type { TimelineWrite } from "./timeline/writes.ts";

/** One row: a frame, or a write to TCP that has no frame of its own. */
export interface WireRow {
  readonly frame: LoggedFrame | undefined;
  readonly write: TimelineWrite | undefined;
  /** Since the page sent. */
  readonly ms: number;
  /** The bytes that it carries. */
  readonly span: Span | undefined;
}

/** A single write stands beside the frame that asked for it; several have rows of their own. */
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
function spanOf({ chunk }: LoggedFrame): Span | undefined {
  return chunk && { stream: "received", from: chunk.offset, to: chunk.offset + chunk.bytes };
}

function sentSpan(from: number, to: number): Span {
  return { stream: "sent", from, to };
}
