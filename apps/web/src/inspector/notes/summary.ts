/** What happened to the message, in a sentence. */

import { errorPrefix, messageDeadlineMs, messageSilenceMs } from "@wirebook/protocol";
import { describeFlowTraffic, summarizeFlow } from "../../traffic/flow-text.ts";
import { count, duration, plural } from "../../ui/format.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { feedOffset, mayBeSilence, messageEnd, peerOf, silenceMs, writesBeforeReply } from "./message-end.ts";

/**
 * The sentence; empty while there is none, or where the failure says it. It says how a message ended only when that is
 * unusual; the notes always do.
 *
 * @param position of its line in the history, if that was found
 */
export function summarize(timeline: Timeline, position?: number): string {
  const { failure, flow, isDialogue, isWithServer, endReason, end, sent, reply } = timeline;
  if (failure !== undefined) return "";
  if (flow !== undefined) return summarizeFlow(timeline, flow);
  if (isDialogue) return ofDialogue(timeline);
  if (endReason === "reset") return ofReset(timeline);
  if (endReason === "cancelled") {
    return isWithServer
      ? "You cancelled it. The history shows what the server had done by then."
      : `You cancelled it after ${count(sent.bytes)} B were sent.`;
  }
  if (reply.bytes === 0 && end === "running") return ofWaiting(timeline);
  if (reply.bytes === 0) return `${peerOf(timeline, "The")} closed the connection without an answer.`;
  const answer = answerText(timeline);
  const how = isWithServer ? endText(timeline) : "";
  if (!isWithServer || how !== "") return `${how} ${answer}`.trim();
  if (position === undefined) return answer.replace(/^It /u, "The message ");
  return `The message is line ${count(position)} of the history. ${answer}`;
}

/** The gateway says neither: a page that holds many conversations waits long. */
const connecting = "The gateway connects, or waits until one of its connections is free.";

/** What a conversation has come to; it needs no answer to be well. */
function ofDialogue({ at, target, end, endReason, sent, reply, latestMs }: Timeline): string {
  const name = `conversation with ${target}`;
  if (end === "running" && at.established === undefined) return connecting;
  if (end === "running" && sent.writes + reply.reads === 0) {
    return `The ${name} is open. Neither side has sent anything yet.`;
  }
  const timeMs = latestMs - (at.established ?? 0);
  const counts = `${countOf(sent.writes, "write")} and ${countOf(reply.reads, "read")} in ${duration(timeMs)}`;
  if (endReason === "reset") return `You reset the ${name}: ${counts}.`;
  if (endReason === "cancelled") return `You left the ${name}: ${counts}.`;
  const first = at.firstByte === undefined ? "" : at.firstByte < (at.written ?? Infinity) ? target : "you";
  const all = `${counts}${first === "" ? "" : `; ${first} spoke first`}`;
  if (end === "running") {
    const halfClosed = at.ended === undefined ? "" : ` You have closed your direction; ${target} may still send.`;
    return `The ${name} is open: ${all}.${halfClosed}`;
  }
  const isByTarget = at.fin !== undefined && at.fin <= (at.ended ?? Infinity);
  return `The ${name} is over: ${all}. ${isByTarget ? target : "You"} closed it first.`;
}

function countOf(value: number, noun: string): string {
  return value === 0 ? `no ${noun}s` : plural(value, noun);
}

/** What ended the message; empty where it was one write that ends with its first line feed. */
function endText(timeline: Timeline): string {
  const feed = feedOffset(timeline);
  const hasMore = feed !== undefined && feed + 1 < timeline.messageBytes;
  const end = messageEnd(timeline);
  if (end === "newline" && timeline.sent.writes === 1 && !hasMore) return "";
  const texts = {
    newline: hasMore
      ? "The first line feed ended the message. The server ignored the bytes after it."
      : "The line feed ended the message.",
    fin: "The half-close ended the message.",
    silence: silenceText(timeline),
    none: "",
  };
  const writes = writesBeforeReply(timeline).length;
  return `${writes > 1 ? `The server joined ${plural(writes, "write")} into one message. ` : ""}${texts[end]}`;
}

/** A message that deletes is not ended by silence: its deadline is, and the error says so [W-5], [W-6]. */
function silenceText(timeline: Timeline): string {
  if (timeline.reply.answer === "refused" && /newline|whole message/.test(timeline.reply.sentence)) {
    return `The message did not end within ${messageDeadlineMs / 1000} s.`;
  }
  return mayBeSilence(timeline)
    ? `Silence of ${messageSilenceMs} ms ended the message, because no line feed came.`
    : "The message did not end, but the server answered.";
}

function answerText({ reply, end, isWithServer, target }: Timeline): string {
  if (reply.answer === "unauthenticated") return "The server requires a key for this user, or the key is wrong.";
  if (reply.answer === "refused") {
    return `It was refused: ${reply.sentence.replace(errorPrefix, "").trim().replace(/\.$/u, "")}.`;
  }
  if (end === "running" && reply.hasReplyHeader) return "The reply is still coming.";
  if (end === "running") return "Bytes came, and the connection is open: more may follow.";
  if (!isWithServer) return `${target} answered and closed the connection.`;
  return reply.responseOffset === undefined
    ? "The reply lists the operations, because the message has none."
    : "It was carried out and answered.";
}

function ofReset(timeline: Timeline): string {
  const sent = timeline.sent.bytes;
  const feed = feedOffset(timeline);
  if (!timeline.isWithServer) return `The gateway reset the connection after it sent ${count(sent)} B.`;
  if (sent === 0) return "The connection was reset before the first byte, so the server has no line of it.";
  if (feed === undefined || feed >= sent) {
    return "The reset came before the message ended, so the server did nothing. The history keeps the bytes that came.";
  }
  if (timeline.reply.bytes > 0) return "The server answered before the reset. The rest of the reply, if any, is lost.";
  return "The message ended before the reset, so it may have been carried out. The reply was lost.";
}

function ofWaiting(timeline: Timeline): string {
  const { at, schedule, sent, messageBytes } = timeline;
  if (at.established === undefined) return connecting;
  if (schedule !== undefined && sent.bytes < messageBytes) return "The gateway runs the write schedule.";
  return `${peerOf(timeline, "The")} has not answered yet.`;
}

/** Bytes sent and received, the time in total, and the server's part of it. */
export function describeTraffic(timeline: Timeline): string {
  if (timeline.flow !== undefined) return describeFlowTraffic(timeline);
  const { endedMs, sent, reply, isDialogue } = timeline;
  const serverMs = isDialogue ? undefined : silenceMs(timeline);
  const inWrites = sent.writes > 1 ? ` in ${plural(sent.writes, "write")}` : "";
  const received = reply.bytes === 0 ? "nothing" : `${count(reply.bytes)} B in ${plural(reply.reads, "read")}`;
  const times = [
    endedMs === undefined ? "" : `${duration(endedMs)} in total`,
    serverMs === undefined ? "" : `server wait ${duration(serverMs)}`,
  ].filter((time) => time !== "");
  return [`Sent ${count(sent.bytes)} B${inWrites}, received ${received}`, times.join(", ")].filter(Boolean).join("; ");
}
