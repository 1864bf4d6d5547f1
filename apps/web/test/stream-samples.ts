/** A timeline as it ordinarily goes: `brick 2`, a line feed, 350 bytes back in one read. Tests change what they are about. */

import type { AnnouncedTarget, StreamEvent } from "@wirebook/protocol";
import type { FrameRow } from "../src/inspector/frame-list.ts";
import type { Stream } from "../src/streams/stream.svelte.ts";
import type { Timeline } from "../src/inspector/timeline/timeline.ts";

export const server: AnnouncedTarget = {
  name: "wirebook",
  transport: "tcp",
  address: "127.0.0.1:5007",
  proxyHeaderBytes: 0,
};

/** A read or a write, the first one unless it says otherwise. */
export function event(byteCount: number, ms: number, more: Partial<StreamEvent> = {}): StreamEvent {
  const of = { kind: "data", isFromTarget: true, atMs: ms, byteCount, arrivedMs: ms + 1 } as const;
  return { ...streamEvent(of), ...more };
}

export const timeline: Timeline = {
  transport: "tcp",
  target: "wirebook",
  isWithServer: true,
  flow: undefined,
  isConversation: false,
  isDialogue: false,
  message: "brick 2\n",
  messageBytes: 8,
  requestBytes: 58,
  schedule: undefined,
  readRate: undefined,
  at: { received: 1, connecting: 1.1, established: 1.5, written: 1.6, firstByte: 3, fin: 3.2, closed: 3.3 },
  tls: undefined,
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
  latestMs: 4.5,
  endedMs: 4.5,
  end: "end",
  endReason: "fin",
  failure: undefined,
};

/** The rows of the list of frames that such a timeline has. */
export function rowsOf(of: Timeline): FrameRow[] {
  const control = (name: string, ms: number, direction: "sent" | "received" = "received"): FrameRow => ({
    ...noRow,
    ms,
    gatewayMs: ms,
    source: { direction, name, atMs: ms, text: "" },
    frame: { direction, kind: "text", name, bytes: of.requestBytes },
    span: name === "request" ? { stream: "sent", from: 0, to: of.messageBytes } : undefined,
  });
  const rows = [
    control("request", 0, "sent"),
    ...(of.at.established === undefined ? [] : [control("open", 2)]),
    ...of.writes.map((write) => dataRow(write, false)),
    ...of.reads.map((read) => dataRow(read, true)),
    ...(of.endedMs === undefined || of.end === "lost" ? [] : [control(of.end, of.endedMs)]),
  ];
  const ends = [of.at.ended, of.at.fin].flatMap((ms, at) => (ms === undefined ? [] : [finRow(ms, at === 1)]));
  return [...rows, ...ends].toSorted((a, b) => a.ms - b.ms);
}

const noRow = { number: 0, event: undefined, frame: undefined, span: undefined };

function dataRow(carried: StreamEvent, isFromTarget: boolean): FrameRow {
  const { atMs: ms, arrivedMs = ms, offset, byteCount } = carried;
  const source = { ...carried, isFromTarget };
  return {
    ...noRow,
    event: source,
    source,
    ms: arrivedMs,
    gatewayMs: ms,
    frame: { direction: "received", kind: "binary", name: isFromTarget ? "data" : "written", bytes: byteCount + 16 },
    span: { stream: isFromTarget ? "received" : "sent", from: offset, to: offset + byteCount },
  };
}

function finRow(atMs: number, isFromTarget: boolean): FrameRow {
  const source = streamEvent({ kind: "fin", isFromTarget, atMs });
  return { ...noRow, event: source, source, ms: atMs, gatewayMs: atMs };
}

function streamEvent(of: Partial<StreamEvent> & Pick<StreamEvent, "kind" | "isFromTarget" | "atMs">): StreamEvent {
  const nothing = { number: 0, offset: 0, byteCount: 0, bytes: undefined, arrivedMs: undefined };
  return { leg: "target", index: 0, isAfterGap: false, queuedKiB: 0, ...nothing, ...of };
}

/** The same with other writes. */
export function withWrites(of: Timeline, writes: readonly StreamEvent[]): Timeline {
  const bytes = writes.reduce((sum, { byteCount }) => sum + byteCount, 0);
  return { ...of, writes, sent: { bytes, writes: writes.length } };
}

/** Writes of one byte each at such times. */
export function writesAt(...times: readonly number[]): StreamEvent[] {
  return times.map((ms, number) => event(1, ms, { number, offset: number }));
}

/** The connection to the gateway is lost, and the exchange with it. */
export function lose(stream: Stream, reason: string, atMs: number): void {
  const message = `the gateway was lost: ${reason}`;
  stream.end({ kind: "failed", hop: "page-gateway", code: "gateway-lost", message }, atMs);
}
