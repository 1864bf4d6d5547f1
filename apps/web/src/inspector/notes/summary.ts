/** What happened to the message, in a sentence. */

import { errorPrefix, messageDeadlineMs, messageSilenceMs } from "@wirebook/protocol";
import { count, duration, plural } from "../../ui/format.ts";
import { describeFlowTraffic, summarizeFlow } from "../../traffic/flow-text.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { feedOffset, mayBeSilence, messageEnd, peerOf, silenceMs, writesBeforeReply } from "./message-end.ts";
import type { MessageEnd } from "./message-end.ts";

/**
 * The sentence; empty while there is none, or where the failure says it. It says how a message ended only when that is
 * unusual; the notes always do.
 *
 * @param position of its line in the history, if that was found
 */
export function summarize(timeline: Timeline, position?: number): string {
  if (timeline.failure !== undefined) return "";
  if (timeline.flow !== undefined) return summarizeFlow(timeline, timeline.flow);
  if (timeline.isDialogue) return ofDialogue(timeline);
  if (timeline.endReason === "reset") return ofReset(timeline);
  if (timeline.endReason === "cancelled" && !timeline.isWithServer)
    return `You cancelled it after ${size(timeline.sent.bytes)} were sent.`;
  if (timeline.endReason === "cancelled")
    return "You cancelled it. The history shows what the server had done by then.";
  if (timeline.reply.bytes === 0)
    return timeline.end === "running"
      ? ofWaiting(timeline)
      : `${peerOf(timeline, "The")} closed the connection without an answer.`;
  if (!timeline.isWithServer) return answerText(timeline);
  if (isOrdinary(timeline)) return ordinaryText(timeline, position);
  return `${endText(timeline)} ${answerText(timeline)}`.trim();
}

/** What a conversation has come to; it needs no answer to be well. */
function ofDialogue(timeline: Timeline): string {
  const { at, target, end, endReason, sent, reply, latestMs } = timeline;
  const name = `conversation with ${target}`;
  if (end === "running" && at.established === undefined) return `The gateway connects to ${target}.`;
  const timeMs = latestMs - (at.established ?? 0);
  const counts = `${countOf(sent.writes, "write")} and ${countOf(reply.reads, "read")} in ${duration(timeMs)}`;
  if (end === "running") {
    if (sent.writes + reply.reads === 0) return `The ${name} is open. Neither side has sent anything yet.`;
    const halfClosed = at.ended === undefined ? "" : ` You have closed your direction; ${target} may still send.`;
    return `The ${name} is open: ${counts}${firstSpeaker(timeline)}.${halfClosed}`;
  }
  if (endReason === "reset") return `You reset the ${name}: ${counts}.`;
  if (endReason === "cancelled") return `You left the ${name}: ${counts}.`;
  const isByTarget = at.fin !== undefined && at.fin <= (at.ended ?? Infinity);
  return `The ${name} is over: ${counts}${firstSpeaker(timeline)}. ${isByTarget ? "The target" : "You"} closed it first.`;
}

function firstSpeaker({ at }: Timeline): string {
  if (at.firstByte === undefined) return "";
  return at.firstByte < (at.written ?? Infinity) ? "; the target spoke first" : "; you spoke first";
}

function countOf(value: number, noun: string): string {
  return value === 0 ? `no ${noun}s` : plural(value, noun);
}

function isOrdinary(timeline: Timeline): boolean {
  return messageEnd(timeline) === "newline" && timeline.sent.writes === 1 && !hasBytesAfterFeed(timeline);
}

function ordinaryText(timeline: Timeline, position: number | undefined): string {
  const words = answerText(timeline);
  if (position === undefined) return words.replace(/^It /u, "The message ");
  const line = `The message is line ${count(position)} of the history`;
  return `${line}. ${words}`;
}

function endText(timeline: Timeline): string {
  const words: Readonly<Record<MessageEnd, string>> = {
    newline: hasBytesAfterFeed(timeline)
      ? "The first line feed ended the message. The server ignored the bytes after it."
      : "The line feed ended the message.",
    fin: "The half-close ended the message.",
    silence: silenceText(timeline),
    closed: "",
    open: "",
  };
  const writes = writesBeforeReply(timeline).length;
  const joined = writes > 1 ? `The server joined ${plural(writes, "write")} into one message. ` : "";
  return joined + words[messageEnd(timeline)];
}

/** A message that deletes is not ended by silence: its deadline is, and the error says so [W-5], [W-6]. */
function silenceText(timeline: Timeline): string {
  if (timeline.reply.answer === "refused" && /newline|whole message/.test(timeline.reply.sentence)) {
    return `The message did not end within ${messageDeadlineMs / 1000} s.`;
  }
  return mayBeSilence(timeline)
    ? `Silence of ${messageSilenceMs} ms ended the message, because no line feed came.${lateText(timeline)}`
    : "The message did not end, but the server answered.";
}

/** Bytes that were written after the answer began [W-17]. */
function lateText(timeline: Timeline): string {
  const late = timeline.writes
    .slice(writesBeforeReply(timeline).length)
    .reduce((sum, { byteCount }) => sum + byteCount, 0);
  return late === 0 ? "" : ` ${plural(late, "byte")} came too late and ${late === 1 ? "was" : "were"} ignored.`;
}

const carriedOut = "It was carried out and answered.";

function answerText({ reply, end, isWithServer }: Timeline): string {
  if (reply.answer === "unauthenticated") return "The server requires a key for this user, or the key is wrong.";
  if (reply.answer === "refused") return `It was refused: ${sentenceOf(reply.sentence)}`;
  if (end === "running") {
    return reply.hasReplyHeader
      ? "The reply is still coming."
      : "Bytes came, and the connection is open: more may follow.";
  }
  if (!isWithServer) return "The target answered and closed the connection.";
  return reply.responseOffset === undefined
    ? "The reply lists the operations, because the message has none."
    : carriedOut;
}

function sentenceOf(sentence: string): string {
  const words = sentence.replace(errorPrefix, "").trim();
  return words.endsWith(".") ? words : `${words}.`;
}

function ofReset(timeline: Timeline): string {
  const sent = timeline.sent.bytes;
  const feed = feedOffset(timeline);
  if (!timeline.isWithServer) return `The gateway reset the connection after it sent ${size(sent)}.`;
  if (sent === 0) return "The connection was reset before the first byte, so the server has no line of it.";
  if (feed === undefined || feed >= sent) {
    return "The reset came before the message ended, so the server did nothing. The history keeps the bytes that came.";
  }
  if (timeline.reply.bytes > 0) return "The server answered before the reset. The rest of the reply, if any, is lost.";
  return "The message ended before the reset, so it may have been carried out. The reply was lost.";
}

function ofWaiting(timeline: Timeline): string {
  const { at, schedule, sent, messageBytes } = timeline;
  if (at.established === undefined) return "";
  if (schedule !== undefined && sent.bytes < messageBytes) return "The gateway runs the write schedule.";
  return `${peerOf(timeline, "The")} has not answered yet.`;
}

function hasBytesAfterFeed(timeline: Timeline): boolean {
  const feed = feedOffset(timeline);
  return feed !== undefined && feed + 1 < timeline.messageBytes;
}

/** Bytes sent and received, the time in total, and the server's part of it. */
export function describeTraffic(timeline: Timeline): string {
  if (timeline.flow !== undefined) return describeFlowTraffic(timeline);
  const { endedMs, sent, reply, isDialogue } = timeline;
  const serverMs = isDialogue ? undefined : silenceMs(timeline);
  const inWrites = sent.writes > 1 ? ` in ${plural(sent.writes, "write")}` : "";
  const received =
    reply.bytes === 0 ? "received nothing" : `received ${size(reply.bytes)} in ${plural(reply.reads, "read")}`;
  const times = [
    ...(endedMs === undefined ? [] : [`${duration(endedMs)} in total`]),
    ...(serverMs === undefined ? [] : [`server wait ${duration(serverMs)}`]),
  ];
  return [`Sent ${size(sent.bytes)}${inWrites}, ${received}`, ...(times.length === 0 ? [] : [times.join(", ")])].join(
    "; ",
  );
}

/** `6 B`, `1,234 B` */
function size(value: number): string {
  return `${count(value)} B`;
}
