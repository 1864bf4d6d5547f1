/** What ended the message: it decides what a server does, and no byte on the wire says it. */

import { encodeText, messageSilenceMs } from "@wirebook/protocol";
import type { Timeline, TimelineEvent } from "../timeline/timeline.ts";

/** Its line feed, the half-close after it, or time without a byte; `none` while or where it did not end. */
export type MessageEnd = "newline" | "fin" | "silence" | "none";

/** Timers and the network are not exact: an answer may come this much earlier and still be due to the silence. */
const earlyMs = 20;

export function messageEnd(timeline: Timeline): MessageEnd {
  const { at, reply, end } = timeline;
  const lastWrite = writesBeforeReply(timeline).at(-1);
  const feed = feedOffset(timeline);
  if (feed !== undefined && lastWrite !== undefined && feed < lastWrite.offset + lastWrite.byteCount) return "newline";
  if (lastWrite === undefined && end === "running") return "none";
  const isAnswered = reply.bytes > 0 || at.fin !== undefined;
  if (at.ended !== undefined && (!isAnswered || at.ended <= (answerMs(timeline) ?? Infinity))) return "fin";
  return isAnswered ? "silence" : "none";
}

/** When the first byte of the reply came, or its end. */
function answerMs({ at }: Timeline): number | undefined {
  return at.firstByte ?? at.fin;
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
export function writesBeforeReply(timeline: Timeline): readonly TimelineEvent[] {
  const untilMs = answerMs(timeline) ?? Infinity;
  return timeline.writes.filter(({ number, ms }) => number === 0 || ms <= untilMs);
}

/** Milliseconds from the last write to the first byte of the reply; `undefined` while there is none. */
export function silenceMs(timeline: Timeline): number | undefined {
  const untilMs = answerMs(timeline);
  const last = writesBeforeReply(timeline).at(-1);
  return untilMs === undefined || last === undefined || last.ms > untilMs ? undefined : untilMs - last.ms;
}

/** True when a reply that took so long may have come after a silence [W-5]. */
export function isSilenceLong(ms: number | undefined): boolean {
  return (ms ?? 0) >= messageSilenceMs - earlyMs;
}

/**
 * True when the reply may have come after a silence. On a busy machine the gateway notes a write long after the
 * kernel took it, so the silence counts from when the write can have been made: its time in the schedule after what the
 * gateway noted before, another write or the handshake.
 */
export function mayBeSilence(timeline: Timeline): boolean {
  const { at, schedule } = timeline;
  const received = writesBeforeReply(timeline);
  const untilMs = answerMs(timeline);
  const beforeMs = received.at(-2)?.ms ?? at.established;
  if (untilMs === undefined || beforeMs === undefined) return isSilenceLong(silenceMs(timeline));
  const step = schedule?.filter((each) => "bytes" in each)[received.length - 1];
  return isSilenceLong(untilMs - beforeMs - (step?.afterMs ?? 0));
}

/** Who is at the other end: a service of somebody else need not be what this project calls the server. */
export function peerOf({ isWithServer, target }: Timeline, article: "the" | "The"): string {
  return isWithServer ? `${article} server` : target;
}
