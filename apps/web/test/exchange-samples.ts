/** A timeline as it ordinarily goes: `brick 2`, a line feed, 350 bytes back in one read. Tests change what they are about. */

import type { AnnouncedTarget } from "@wirebook/protocol";
import type { Exchange } from "../src/exchanges/exchange.svelte.ts";
import type { Timeline, TimelineEvent } from "../src/inspector/timeline/timeline.ts";

export const server: AnnouncedTarget = {
  name: "wirebook",
  transport: "tcp",
  address: "127.0.0.1:5007",
  proxyHeaderBytes: 0,
};

/** A read or a write, the first one unless it says otherwise. */
export function event(byteCount: number, ms: number, more: Partial<TimelineEvent> = {}): TimelineEvent {
  return { number: 0, offset: 0, byteCount, ms, queuedKiB: 0, arrivedMs: ms + 1, frameBytes: byteCount + 16, ...more };
}

export const timeline: Timeline = {
  transport: "tcp",
  isWithServer: true,
  isConversation: false,
  message: "brick 2\n",
  messageBytes: 8,
  requestBytes: 58,
  schedule: undefined,
  readRate: undefined,
  at: { received: 1, connecting: 1.1, established: 1.5, written: 1.6, firstByte: 3, fin: 3.2, closed: 3.3 },
  tls: undefined,
  openedMs: 2,
  writes: [event(8, 1.6)],
  reads: [event(350, 3)],
  sent: { bytes: 8, writes: 1 },
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

/** The same with other writes. */
export function withWrites(of: Timeline, writes: readonly TimelineEvent[]): Timeline {
  const bytes = writes.reduce((sum, { byteCount }) => sum + byteCount, 0);
  return { ...of, writes, sent: { bytes, writes: writes.length } };
}

/** Writes of one byte each at such times. */
export function writesAt(...times: readonly number[]): TimelineEvent[] {
  return times.map((ms, number) => event(1, ms, { number, offset: number }));
}

/** The connection to the gateway is lost, and the exchange with it. */
export function lose(exchange: Exchange, reason: string, atMs: number): void {
  const message = `the gateway was lost: ${reason}`;
  exchange.end({ kind: "failed", hop: "page-gateway", code: "gateway-lost", message }, atMs);
}
