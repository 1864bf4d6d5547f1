/** What happened to the message, in a sentence. */

import { errorPrefix, messageDeadlineMs, messageSilenceMs } from "@wirebook/protocol";
import { count, duration, plural } from "../../ui/format.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { feedOffset, mayBeSilence, messageEnd, silenceMs, writesBeforeReply } from "./message-end.ts";
import type { MessageEnd } from "./message-end.ts";

/**
 * The sentence; empty while there is none, or where the failure says it. It says how a message ended only when that is
 * unusual; the notes always do.
 *
 * @param position of its line in the history, if that was found
 */
export function summarize(timeline: Timeline, position?: number): string {
  if (timeline.failure !== undefined) return "";
  if (timeline.endReason === "reset") return ofReset(timeline);
  if (timeline.endReason === "cancelled")
    return "You cancelled it. The history shows what the server had done by then.";
  if (timeline.reply.bytes === 0)
    return timeline.end === "running" ? ofWaiting(timeline) : "The server closed the connection without an answer.";
  if (!timeline.isWithServer) return answerText(timeline);
  if (isOrdinary(timeline)) return ordinaryText(timeline, position);
  return `${endText(timeline)} ${answerText(timeline)}`.trim();
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

function answerText({ reply, end, isConversation, isWithServer }: Timeline): string {
  if (reply.answer === "unauthenticated") return "The server requires a key for this user, or the key is wrong.";
  if (reply.answer === "refused") return `It was refused: ${sentenceOf(reply.sentence)}`;
  if (end === "running" && isConversation && !reply.hasReplyHeader) {
    return "The server answered and keeps the connection open.";
  }
  if (end === "running") {
    return reply.hasReplyHeader
      ? "The reply is still coming."
      : "Bytes came, and the connection is open: more may follow.";
  }
  if (!isWithServer) return "The server answered and closed the connection.";
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
  if (sent === 0) return "The connection was reset before the first byte, so the server has no line of it.";
  if (feed === undefined || feed >= sent) {
    return "The reset came before the message ended, so the server did nothing. The history keeps the bytes that came.";
  }
  if (timeline.reply.bytes > 0) return "The server answered before the reset. The rest of the reply, if any, is lost.";
  return "The message ended before the reset, so it may have been carried out. The reply was lost.";
}

function ofWaiting({ at, schedule, sent, messageBytes }: Timeline): string {
  if (at.established === undefined) return "";
  if (schedule !== undefined && sent.bytes < messageBytes) return "The gateway runs the write schedule.";
  return "The server has not answered yet.";
}

function hasBytesAfterFeed(timeline: Timeline): boolean {
  const feed = feedOffset(timeline);
  return feed !== undefined && feed + 1 < timeline.messageBytes;
}

/** Bytes sent and received, the time in total, and the server's part of it. */
export function describeTraffic(timeline: Timeline): string {
  const { endedMs, sent, reply } = timeline;
  const serverMs = silenceMs(timeline);
  const received = reply.bytes === 0 ? "received nothing" : `received ${size(reply.bytes)}`;
  const inReads = reply.reads > 1 ? ` in ${plural(reply.reads, "read")}` : "";
  const parts = [`sent ${size(sent.bytes)}`, received + inReads];
  if (endedMs !== undefined) parts.push(`${duration(endedMs)} in total`);
  if (serverMs !== undefined) parts.push(`${duration(serverMs)} from the last byte sent to the first received`);
  const text = parts.join(", ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** `6 B`, `1,234 B` */
function size(value: number): string {
  return `${count(value)} B`;
}
