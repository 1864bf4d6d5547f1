/** What ended the message: this decides what a server does, and nobody says it on the wire. */

import { encodeText, messageSilenceMs } from "@wirebook/protocol";
import type { Timeline } from "../timeline/timeline.ts";
import type { TimelineWrite } from "../timeline/writes.ts";

/**
 * - `newline`: its line feed
 * - `fin`: the half-close behind it
 * - `silence`: nothing but time
 * - `closed`: nothing; the connection was gone before
 * - `open`: nothing yet
 */
export type MessageEnd = "newline" | "fin" | "silence" | "closed" | "open";

/** Timers and the way take their time; an answer that comes this much earlier cannot be due to the silence. */
const earlyMs = 20;

export function messageEnd(story: Timeline): MessageEnd {
  const { at, endReason, reply } = story;
  const lastWrite = writesHeard(story).at(-1);
  const feed = feedOffset(story);
  const answerMs = at.firstByte ?? at.fin;
  if (feed !== undefined && lastWrite !== undefined && feed < lastWrite.offset + lastWrite.bytes) return "newline";
  if (lastWrite === undefined && story.end === "running") return "open";
  const isAnswered = reply.bytes > 0 || at.fin !== undefined;
  if (at.ended !== undefined && (!isAnswered || at.ended <= (answerMs ?? Infinity))) return "fin";
  if (isAnswered) return "silence";
  return endReason === undefined && story.end === "running" ? "open" : "closed";
}

/** Bytes of the message before its first line feed; `undefined` when it has none. */
export function feedOffset({ message }: Timeline): number | undefined {
  const at = message.indexOf("\n");
  return at < 0 ? undefined : encodeText(message.slice(0, at)).length;
}

/**
 * The writes that the server can have heard before it answered: a plan may go on meanwhile. The first is always among
 * them, for what is answered was sent, however late the gateway came to note it.
 */
export function writesHeard({ writes, at }: Timeline): readonly TimelineWrite[] {
  const answerMs = at.firstByte ?? at.fin ?? Infinity;
  return writes.filter(({ index, ms }) => index === 0 || ms <= answerMs);
}

/** Milliseconds from the last write to the first byte of the reply; `undefined` while there is none. */
export function silenceMs(story: Timeline): number | undefined {
  const answerMs = story.at.firstByte ?? story.at.fin;
  const last = writesHeard(story).at(-1);
  return answerMs === undefined || last === undefined || last.ms > answerMs ? undefined : answerMs - last.ms;
}

/**
 * True when the reply may have come after a silence [W-5]. On a busy machine the gateway notes a write long after the
 * kernel took it, so the silence counts from when the write can have been made: its time in the plan behind what the
 * gateway noted before, another write or that the connection stood.
 */
export function mayBeSilence(story: Timeline): boolean {
  const { at, plan } = story;
  const heard = writesHeard(story);
  const answerMs = at.firstByte ?? at.fin;
  const beforeMs = heard.at(-2)?.ms ?? at.established;
  if (answerMs === undefined || beforeMs === undefined) return isSilenceLong(story);
  const step = plan?.filter((each) => "bytes" in each)[heard.length - 1];
  return answerMs - beforeMs - (step?.afterMs ?? 0) >= messageSilenceMs - earlyMs;
}

/** True when the reply came as late as it does after a silence [W-5]. */
export function isSilenceLong(story: Timeline): boolean {
  return (silenceMs(story) ?? 0) >= messageSilenceMs - earlyMs;
}
