/** A timeline as it ordinarily goes: `brick 2`, a line feed, 350 bytes back in one read. Tests change what they are about. */

import type { Timeline } from "../src/inspector/timeline/timeline.ts";
import type { TimelineWrite } from "../src/inspector/timeline/timeline.ts";

export const timeline: Timeline = {
  kind: "request",
  message: "brick 2\n",
  messageBytes: 8,
  requestBytes: 58,
  plan: undefined,
  readPace: undefined,
  at: { received: 1, connecting: 1.1, established: 1.5, written: 1.6, firstByte: 3, fin: 3.2, closed: 3.3 },
  writes: [{ index: 0, offset: 0, bytes: 8, ms: 1.6, isNoted: true }],
  lastHandedMs: 3.4,
  openedMs: 2,
  reads: [
    { index: 0, offset: 0, bytes: 350, readMs: 3, handedMs: 3.1, waitingBytes: 0, arrivedMs: 4, frameBytes: 354 },
  ],
  omitted: { count: 0, fromMs: 0 },
  reply: {
    bytes: 350,
    reads: 1,
    responseOffset: 290,
    hasReplyHeader: true,
    answer: "accepted",
    sentence: '2026-11-22T20:31:05.123456Z 127.0.0.1 "brick 2"',
  },
  endedMs: 4.5,
  end: "end",
  endReason: "fin",
  failure: undefined,
  errorMs: 0.1,
};

/** Writes of one byte each at such times. */
export function writesAt(...times: readonly number[]): TimelineWrite[] {
  return times.map((ms, index) => ({ index, offset: index, bytes: 1, ms, isNoted: index === 0 }));
}
