/** What happened to the message, in a sentence; and what ended it, which decides what a server does and no byte says. */

import { encodeText, errorPrefix, type StreamEvent } from "@wirebook/protocol";
import { isClosedByTarget } from "../../streams/result.ts";
import { count, duration, plural } from "../../ui/format.ts";
import type { Timeline } from "../timeline/timeline.ts";

/** Its line feed, the half-close after it, or time without a byte; `none` while or where it did not end. */
export function messageEnd(timeline: Timeline): "newline" | "fin" | "silence" | "none" {
  const { at, reply, end } = timeline;
  const last = writesBeforeReply(timeline).at(-1);
  const feed = feedOffset(timeline);
  if (feed !== undefined && last !== undefined && feed < last.offset + last.byteCount) return "newline";
  if (last === undefined && end === "running") return "none";
  const isAnswered = reply.bytes > 0 || at.fin !== undefined;
  if (at.ended !== undefined && (!isAnswered || at.ended <= answerMs(timeline))) return "fin";
  return isAnswered ? "silence" : "none";
}

function answerMs({ at }: Timeline): number {
  return at.firstByte ?? at.fin ?? Infinity;
}

/** Bytes of the message before its first line feed; `undefined` when it has none. */
function feedOffset({ message }: Timeline): number | undefined {
  const at = message.indexOf("\n");
  return at < 0 ? undefined : encodeText(message.slice(0, at)).length;
}

/** The writes that can have reached the server before it answered. The first is among them, however late it was noted. */
export function writesBeforeReply(timeline: Timeline): readonly StreamEvent[] {
  const untilMs = answerMs(timeline);
  return timeline.writes.filter(({ number, atMs }) => number === 0 || atMs <= untilMs);
}

/** Milliseconds from the last write to the first byte of the reply; `undefined` while there is none. */
export function silenceMs(timeline: Timeline): number | undefined {
  const untilMs = answerMs(timeline);
  const lastMs = writesBeforeReply(timeline).at(-1)?.atMs ?? Infinity;
  return untilMs === Infinity || lastMs > untilMs ? undefined : untilMs - lastMs;
}

export function peerOf({ isWithServer, target }: Timeline): string {
  return isWithServer ? "The server" : target;
}

/** The sentence; empty where the failure says it. @param position of its line in the history, if that was found */
export function summarize(timeline: Timeline, position?: number): string {
  const { failure, flow, isDialogue, isWithServer, endReason, end, sent, reply } = timeline;
  if (failure !== undefined) return "";
  if (end === "end" && endReason === undefined) return "It was still running when it was saved.";
  if (flow !== undefined) return ofFlow(timeline, flow);
  if (isDialogue) return ofDialogue(timeline);
  if (endReason === "reset") return ofReset(timeline);
  if (endReason === "cancelled") return `You cancelled it after ${count(sent.bytes)} B were sent.`;
  if (reply.bytes === 0 && end === "running") return ofWaiting(timeline);
  if (reply.bytes === 0) return `${peerOf(timeline)} closed the connection without an answer.`;
  const answer = answerText(timeline);
  const how = endText(timeline);
  if (!isWithServer || how !== "") return `${how} ${answer}`.trim();
  if (position === undefined) return answer.replace(/^It /u, "The message ");
  return `The message is line ${count(position)} of the history. ${answer}`;
}

/** The gateway says neither: a page that holds many conversations waits long. */
const connecting = "The gateway connects, or waits until one of its connections is free.";

function ofDialogue(timeline: Timeline): string {
  const { at, target, end, endReason, sent, reply, latestMs } = timeline;
  const name = `conversation with ${target}`;
  if (end === "running" && at.established === undefined) return connecting;
  if (end === "running" && sent.writes + reply.reads === 0)
    return `The ${name} is open. Neither side has sent anything yet.`;
  const time = duration(latestMs - (at.established ?? 0));
  const counts = `${countOf(sent.writes, "write")} and ${countOf(reply.reads, "read")} in ${time}`;
  if (endReason === "reset") return `You reset the ${name}: ${counts}.`;
  if (endReason === "cancelled") return `You left the ${name}: ${counts}.`;
  const first = (at.firstByte ?? Infinity) < (at.written ?? Infinity) ? target : "you";
  const all = at.firstByte === undefined ? counts : `${counts}; ${first} spoke first`;
  if (end === "running") {
    const halfClosed = at.ended === undefined ? "" : ` You have closed your direction; ${target} may still send.`;
    return `The ${name} is open: ${all}.${halfClosed}`;
  }
  return `The ${name} is over: ${all}. ${isClosedByTarget(timeline) ? target : "You"} closed it first.`;
}

function countOf(value: number, noun: string): string {
  return value === 0 ? `no ${noun}s` : plural(value, noun);
}

function ofFlow(timeline: Timeline, { clientName, reset }: NonNullable<Timeline["flow"]>): string {
  const { at, target, end, endReason, sent, reply, latestMs } = timeline;
  const reads = `${plural(sent.writes, "read")} from the client, ${count(reply.reads)} from ${target}`;
  if (end === "running" && at.established === undefined)
    return `${clientName} is connected; the gateway connects to ${target}.`;
  if (end === "running") {
    const client = at.ended === undefined ? "" : " The client has closed its direction.";
    return `${clientName} talks to ${target}: ${reads}.${client}${at.fin === undefined ? "" : ` ${target} has closed its direction.`}`;
  }
  const over = `${clientName} talked to ${target} for ${duration(latestMs)}: ${reads}`;
  if (endReason === "reset") return `${over}. ${reset === undefined ? "It was reset." : whoReset(reset, target)}`;
  if (endReason !== "fin") return `${over}. The gateway cut it off.`;
  return `${over}. ${isClosedByTarget(timeline) ? `${target} closed` : "The client closed"} it first.`;
}

export function whoReset({ leg, isFromTarget }: Pick<StreamEvent, "leg" | "isFromTarget">, target: string): string {
  if (leg === "client" && !isFromTarget) return "The client sent RST, and the gateway passed it on.";
  if (leg === "target" && isFromTarget) return `${target} sent RST, and the gateway passed it on.`;
  return "The gateway sent RST to both.";
}

/** What ended the message; empty where it was one write that ends with its first line feed. */
function endText(timeline: Timeline): string {
  const { isWithServer, reply, messageBytes } = timeline;
  if (!isWithServer) return "";
  const hasMore = (feedOffset(timeline) ?? Infinity) + 1 < messageBytes;
  const end = messageEnd(timeline);
  const writes = writesBeforeReply(timeline).length;
  if (end === "newline" && writes < 2 && !hasMore) return "";
  const texts = {
    newline: hasMore
      ? "The first line feed ended the message. The server ignored the bytes after it."
      : "The line feed ended the message.",
    fin: "The half-close ended the message.",
    // A message that deletes is not ended by silence [W-5]: its refusal says what ended it.
    silence: reply.answer === "refused" ? "" : "No line feed came, so silence ended the message.",
    none: "",
  };
  return `${writes > 1 ? `The server joined ${plural(writes, "write")} into one message. ` : ""}${texts[end]}`.trim();
}

function answerText({ reply, end, isWithServer, target }: Timeline): string {
  if (reply.answer === "unauthenticated") return "The server requires a key for this user, or the key is wrong.";
  if (reply.answer === "refused")
    return `It was refused: ${reply.sentence.replace(errorPrefix, "").trim().replace(/\.$/u, "")}.`;
  if (end === "running" && reply.hasReplyHeader) return "The reply is still coming.";
  if (end === "running") return "Bytes came, and the connection is open: more may follow.";
  if (!isWithServer) return `${target} answered and closed the connection.`;
  return reply.responseOffset === undefined
    ? "The reply lists the operations, because the message has none."
    : "It was carried out and answered.";
}

function ofReset(timeline: Timeline): string {
  const { bytes } = timeline.sent;
  if (!timeline.isWithServer) return `The gateway reset the connection after it sent ${count(bytes)} B.`;
  return (feedOffset(timeline) ?? Infinity) >= bytes
    ? "The reset came before the message ended, so the server did nothing."
    : "The message ended before the reset, so it may have been carried out.";
}

function ofWaiting(timeline: Timeline): string {
  const { at, schedule, sent, messageBytes } = timeline;
  if (at.established === undefined) return connecting;
  if (schedule !== undefined && sent.bytes < messageBytes) return "The gateway runs the write schedule.";
  return `${peerOf(timeline)} has not answered yet.`;
}

/** Bytes sent and received, the time in total, and the server's part of it. */
export function describeTraffic(timeline: Timeline): string {
  const { endedMs, flow, sent, reply, isDialogue } = timeline;
  const total = endedMs === undefined ? "" : `${duration(endedMs)} in total`;
  if (flow !== undefined) {
    const both = `Client sent ${count(sent.bytes)} B, target sent ${count(reply.bytes)} B`;
    return [both, total].filter(Boolean).join("; ");
  }
  const serverMs = isDialogue ? undefined : silenceMs(timeline);
  const inWrites = sent.writes > 1 ? ` in ${plural(sent.writes, "write")}` : "";
  const received = reply.bytes === 0 ? "nothing" : `${count(reply.bytes)} B in ${plural(reply.reads, "read")}`;
  const wait = serverMs === undefined ? "" : `server wait ${duration(serverMs)}`;
  const times = [total, wait].filter(Boolean).join(", ");
  return [`Sent ${count(sent.bytes)} B${inWrites}, received ${received}`, times].filter(Boolean).join("; ");
}
