/** What ended the message: it decides what a server does, and no byte on the wire says it. */

import { encodeText, messageSilenceMs } from "@wirebook/protocol";
import type { Timeline, TimelineEvent } from "../timeline/timeline.ts";

/**
 * - `newline`: its line feed
 * - `fin`: the half-close after it
 * - `silence`: time without a byte
 * - `closed`: it did not end before the connection closed
 * - `open`: it has not ended yet
 */
export type MessageEnd = "newline" | "fin" | "silence" | "closed" | "open";

/** Timers and the network are not exact: an answer may come this much earlier and still be due to the silence. */
const earlyMs = 20;

export function messageEnd(timeline: Timeline): MessageEnd {
  const { at, endReason, reply } = timeline;
  const lastWrite = writesBeforeReply(timeline).at(-1);
  const feed = feedOffset(timeline);
  const answerMs = at.firstByte ?? at.fin;
  if (feed !== undefined && lastWrite !== undefined && feed < lastWrite.offset + lastWrite.byteCount) return "newline";
  if (lastWrite === undefined && timeline.end === "running") return "open";
  const isAnswered = reply.bytes > 0 || at.fin !== undefined;
  if (at.ended !== undefined && (!isAnswered || at.ended <= (answerMs ?? Infinity))) return "fin";
  if (isAnswered) return "silence";
  return endReason === undefined && timeline.end === "running" ? "open" : "closed";
}

/** Bytes of the message before its first line feed; `undefined` when it has none. */
export function feedOffset({ message }: Timeline): number | undefined {
  const at = message.indexOf("\n");
  return at < 0 ? undefined : encodeText(message.slice(0, at)).length;
}

/**
 * The writes that can have reached the server before it answered; a schedule may continue meanwhile. The first is always
 * among them, however late the gateway noted it.
 */
export function writesBeforeReply({ writes, at }: Timeline): readonly TimelineEvent[] {
  const answerMs = at.firstByte ?? at.fin ?? Infinity;
  return writes.filter(({ number, ms }) => number === 0 || ms <= answerMs);
}

/** Milliseconds from the last write to the first byte of the reply; `undefined` while there is none. */
export function silenceMs(timeline: Timeline): number | undefined {
  const answerMs = timeline.at.firstByte ?? timeline.at.fin;
  const last = writesBeforeReply(timeline).at(-1);
  return answerMs === undefined || last === undefined || last.ms > answerMs ? undefined : answerMs - last.ms;
}

/**
 * True when the reply may have come after a silence [W-5]. On a busy machine the gateway notes a write long after the
 * kernel took it, so the silence counts from when the write can have been made: its time in the schedule after what the
 * gateway noted before, another write or the handshake.
 */
export function mayBeSilence(timeline: Timeline): boolean {
  const { at, schedule } = timeline;
  const received = writesBeforeReply(timeline);
  const answerMs = at.firstByte ?? at.fin;
  const beforeMs = received.at(-2)?.ms ?? at.established;
  if (answerMs === undefined || beforeMs === undefined) return isSilenceLong(timeline);
  const step = schedule?.filter((each) => "bytes" in each)[received.length - 1];
  return answerMs - beforeMs - (step?.afterMs ?? 0) >= messageSilenceMs - earlyMs;
}

/** True when the reply came as late as it does after a silence [W-5]. */
export function isSilenceLong(timeline: Timeline): boolean {
  return (silenceMs(timeline) ?? 0) >= messageSilenceMs - earlyMs;
}

/** Who is at the other end: a service of somebody else need not be what this project calls the server. */
export function peerOf({ isWithServer }: Pick<Timeline, "isWithServer">, article: "the" | "The"): string {
  return `${article} ${isWithServer ? "server" : "target"}`;
}
