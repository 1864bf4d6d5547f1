/** What the server made of the message, in a sentence: the first thing that somebody wants to know. */

import { errorPrefix, messageDeadlineMs, messageSilenceMs } from "@wirebook/protocol";
import { count, duration, plural } from "../../ui/format.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { feedOffset, mayBeSilence, messageEnd, silenceMs, writesHeard } from "./message-end.ts";
import type { MessageEnd } from "./message-end.ts";

/**
 * The sentence; empty while there is nothing to say, or where the failure says it. How an ordinary message was ended is
 * among the notes; how one ended that was sent otherwise is what it was sent for.
 *
 * @param position of the line that it left in the history, where that was found
 */
export function summarize(story: Timeline, position?: number): string {
  if (story.failure !== undefined) return "";
  if (story.endReason === "reset") return ofReset(story);
  if (story.endReason === "cancelled")
    return "It was cancelled here; what the server had made of it by then stands in the history.";
  if (story.reply.bytes === 0)
    return story.end === "running" ? ofWaiting(story) : "The server closed without an answer.";
  if (isOrdinary(story)) return ordinaryWords(story, position);
  return `${endWords(story)} ${answerWords(story)}`.trim();
}

function isOrdinary(story: Timeline): boolean {
  return messageEnd(story) === "newline" && story.writes.length === 1 && !isBehindFeed(story);
}

function ordinaryWords(story: Timeline, position: number | undefined): string {
  const words = answerWords(story);
  if (position === undefined) return words.replace(/^It /u, "The message ");
  const line = `The message is line ${count(position)} of the history now`;
  return words === carriedOut ? `${line}; it was carried out and answered.` : `${line}. ${words}`;
}

function endWords(story: Timeline): string {
  const words: Readonly<Record<MessageEnd, string>> = {
    newline: isBehindFeed(story)
      ? "The first line feed ended the message, and what came behind it was ignored."
      : "The line feed ended the message.",
    fin: "The half-close ended the message.",
    silence: silenceWords(story),
    closed: "",
    open: "",
  };
  const writes = writesHeard(story).length;
  const joined = writes > 1 ? `The server joined ${plural(writes, "write")} into one message. ` : "";
  return joined + words[messageEnd(story)];
}

/** A message that deletes is not ended by silence: its deadline is, and the error says so [W-5], [W-6]. */
function silenceWords(story: Timeline): string {
  if (story.reply.answer === "refused" && /newline|whole message/.test(story.reply.sentence)) {
    return `Nothing ended the message within ${messageDeadlineMs / 1000} s.`;
  }
  return mayBeSilence(story)
    ? `Silence of ${messageSilenceMs} ms ended the message, since no line feed came.${lateWords(story)}`
    : "Nothing ended the message, and the server answered all the same.";
}

/** What was written when the answer had begun [W-17]. */
function lateWords(story: Timeline): string {
  const late = story.writes.slice(writesHeard(story).length).reduce((sum, { bytes }) => sum + bytes, 0);
  return late === 0 ? "" : ` ${plural(late, "byte")} came too late and ${late === 1 ? "was" : "were"} ignored.`;
}

const carriedOut = "It was carried out and answered.";

function answerWords({ reply, end }: Timeline): string {
  if (reply.answer === "stranger") return "The server does not know this user.";
  if (reply.answer === "refused") return `It was refused: ${sentenceOf(reply.sentence)}`;
  if (end === "running") {
    return reply.hasReplyHeader
      ? "The reply is still coming."
      : "Bytes came, and the connection is still open: more may follow.";
  }
  return reply.responseOffset === undefined
    ? "The answer was the list of operations, since nothing was asked."
    : carriedOut;
}

function sentenceOf(sentence: string): string {
  const words = sentence.replace(errorPrefix, "").trim();
  return words.endsWith(".") ? words : `${words}.`;
}

function ofReset(story: Timeline): string {
  const sent = story.writes.reduce((sum, { bytes }) => sum + bytes, 0);
  const feed = feedOffset(story);
  if (sent === 0)
    return "The connection was reset before a byte was sent: the server heard nothing, and wrote nothing down.";
  if (feed === undefined || feed >= sent) {
    return "The connection broke before the message had ended, so nothing was done; the history keeps what had come.";
  }
  if (story.reply.bytes > 0)
    return "The message was answered before the reset; the rest of the reply, if any, is lost.";
  return "The message was whole before the reset, so it may have been carried out; the answer found nobody.";
}

function ofWaiting({ at, plan }: Timeline): string {
  if (at.established === undefined) return "";
  if (plan !== undefined) return "The gateway carries out the plan; what it wrote, and when, it tells at the end.";
  return "The server has not answered yet.";
}

function isBehindFeed(story: Timeline): boolean {
  const feed = feedOffset(story);
  return feed !== undefined && feed + 1 < story.messageBytes;
}

/** How much went and came, how long it took in all, and how much of that was the server's. */
export function summary(story: Timeline): string {
  const { endedMs, writes, reply } = story;
  const serverMs = silenceMs(story);
  const sent = writes.reduce((sum, { bytes }) => sum + bytes, 0);
  const back =
    reply.bytes === 0 ? "nothing back" : `${plural(reply.bytes, "byte")} back in ${plural(reply.chunks, "chunk")}`;
  // How far a plan has come is told at the end.
  const parts = story.end === "running" && sent === 0 ? [back] : [`${plural(sent, "byte")} there`, back];
  if (endedMs !== undefined) parts.push(`${duration(endedMs)} in all`);
  if (serverMs !== undefined) parts.push(`${duration(serverMs)} of it between the last byte there and the first back`);
  const words = parts.join(", ");
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
