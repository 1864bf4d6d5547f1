/**
 * Short notes on what happened in this exchange, in the order in which it did. They are computed from its timeline and
 * say nothing that is not in it.
 */

import { messageSilenceMs } from "@wirebook/protocol";
import type { Failure } from "../../streams/stream.svelte.ts";
import { count, duration, plural } from "../../ui/format.ts";
import { flowNotesOf } from "../../traffic/flow-text.ts";
import { frameHeader } from "../frame-header.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { isSilenceLong, messageEnd, peerOf, silenceMs, writesBeforeReply } from "./message-end.ts";
import { rfc, rule } from "./references.ts";
import type { Reference } from "./references.ts";

/** What one thing in the diagram means, in this exchange. */
export interface Note {
  readonly text: string;
  /** The term of the field. */
  readonly term: string;
  readonly references: readonly Reference[];
  /** The arrows of the diagram that it is about; `reads` and `writes` are all of their kind. */
  readonly on: readonly string[];
}

/** A shorter wait is the gateway's ordinary work. */
const queueMsMin = 15;

/** What Node reads at once; a read of this size was cut by the reader. */
const readMax = 65_536;

/** A note of some kind; a timeline to which its text does not apply has none. */
type NoteKind = readonly [
  term: string,
  on: readonly string[] | ((timeline: Timeline) => readonly string[]),
  references: readonly Reference[],
  text: (timeline: Timeline) => string | false | undefined,
];

const firstRead = ["read 0", "bytes 0"];

const connecting: readonly NoteKind[] = [
  ["connection refused", ["connect", "failed"], [rfc(9293, "3.10.7.1")], refusedText],
  ["three-way handshake", ["connect", "established"], [rfc(9293, "3.5"), rule("W", 1)], handshakeText],
  ["TLS handshake", ["secured"], [rfc(8446, "2"), rule("G", 8)], securedText],
  ["server-first", firstRead, [], greetingText],
];

const resetByPeer = "The machine at the other end reset the connection, so the reply may be incomplete.";
const noAnswer =
  "The SYN got no answer, although the kernel repeats it after 1 s and 3 s. A firewall drops it, the machine is off, or its backlog is full.";
const gatewayLost = "The WebSocket closed, so the page cannot know how the exchange ended. The gateway cancels it.";

const failures: readonly NoteKind[] = [
  ["reset", ["failed"], [rfc(9293, "3.5.3"), rule("W", 16)], failureText("connection-reset", resetByPeer)],
  [
    "retransmission",
    ["connect", "failed"],
    [rfc(9293, "3.8.1"), rule("G", 7)],
    failureText("connect-timeout", noAnswer),
  ],
  ["timeout", ["failed"], [rule("G", 5), rule("G", 7)], timeoutText],
  ["closing the connection", ["end"], [rfc(6455, "7.1.5"), rule("G", 5)], failureText("gateway-lost", gatewayLost)],
];

/** In the order in which things happen. */
const kinds: readonly NoteKind[] = [
  ["masking", ["request"], [rfc(6455, "5.3"), rule("G", 2)], frameText],
  ["queue", ["request", "connect"], [rule("G", 5)], queueText],
  ...connecting,
  ["byte stream, TCP_NODELAY", ["writes"], [rfc(9293, "2.2"), rfc(9293, "3.7.4"), rule("W", 2)], writesText],
  ["line feed", lastWriteBeforeReply, [rule("W", 2)], lineFeedText],
  ["silence", (of) => [...lastWriteBeforeReply(of), "read 0"], [rule("W", 5), rule("W", 6)], silenceText],
  ["half-close", ["ended"], [rfc(9293, "3.6.1"), rule("G", 6), rule("W", 2)], halfCloseText],
  ["durability", firstRead, [rule("W", 8), rule("H", 10)], durabilityText],
  ["header", firstRead, [rule("W", 11), rule("W", 12)], headerText],
  ["segmentation", ["reads"], [rfc(9293, "2.2"), rule("G", 3), rule("W", 16)], readsText],
  ["receive window", ["reads"], [rfc(9293, "3.8.6"), rule("G", 11), rule("W", 16)], slowReaderText],
  ["follow", firstRead, [rule("W", 15)], followText],
  ["FIN", ["fin"], [rfc(9293, "3.6"), rule("W", 16)], finText],
  ["reset, ABORT", ["reset"], [rfc(9293, "3.10.5"), rule("G", 11)], resetText],
  ...failures,
];

/** The notes of a timeline, in the order in which things happened. */
export function notesOf(timeline: Timeline): readonly Note[] {
  const { flow } = timeline;
  const first = flow === undefined ? [] : flowNotesOf(timeline, flow);
  const all = flow === undefined ? kinds : [...connecting, ...failures];
  const others = all.flatMap(([term, on, references, textOf]) => {
    const text = textOf(timeline);
    const arrows = typeof on === "function" ? on(timeline) : on;
    return typeof text === "string" ? [{ term, text, on: arrows, references }] : [];
  });
  return [...first, ...others];
}

function lastWriteBeforeReply(timeline: Timeline): readonly string[] {
  return [`write ${writesBeforeReply(timeline).at(-1)?.number}`];
}

function frameText({ isConversation, requestBytes, messageBytes }: Timeline) {
  const header = frameHeader("sent", "text", requestBytes);
  const content = isConversation ? "the bytes in base64" : "the words";
  return (
    `The page sent ${messageBytes === 0 ? "its wish to connect" : content} in one text frame: ${header.bytes} bytes of header and ` +
    `${count(requestBytes)} of JSON, XORed with a random key. Browsers must mask frames, so that no proxy takes the bytes of a page for HTTP.`
  );
}

function queueText(timeline: Timeline) {
  const { at, endedMs, failure } = timeline;
  const until = at.connecting ?? (failure?.code === "busy" ? endedMs : undefined);
  const waitMs = (until ?? 0) - (at.received ?? Infinity);
  return (
    waitMs >= queueMsMin &&
    `It waited ${duration(waitMs)} in the gateway for a connection. Either all connections to ${peerOf(timeline, "the")} were in use, which are given in order, or the gateway was busy.`
  );
}

function refusedText({ transport, at, failure }: Timeline) {
  const isRefused = transport !== "unix" && at.connecting !== undefined && failure?.code === "connect-refused";
  return isRefused && "No program listens on that port, so the machine answered the SYN with RST.";
}

function handshakeText({ transport, at, isDialogue }: Timeline) {
  if (transport === "unix" || at.connecting === undefined || at.established === undefined) return undefined;
  return (
    `The gateway opened a connection ${isDialogue ? "and keeps it open" : "for this message alone"}: three segments, ` +
    `${duration(at.established - at.connecting)}. The kernels do this without the programs.`
  );
}

function securedText({ at, tls }: Timeline) {
  if (at.established === undefined || at.secured === undefined || tls === undefined) return undefined;
  return (
    `The handshake of ${tls.version} took ${duration(at.secured - at.established)}: ${tls.cipher}, and a certificate of ${tls.peer.subject} ` +
    `from ${tls.peer.issuer}, valid to ${tls.peer.validTo.slice(0, 10)}. The bytes below are the plain text inside of TLS.`
  );
}

/** As SMTP, IMAP and FTP servers do. */
function greetingText({ at, reads: [first], isDialogue }: Timeline) {
  if (!isDialogue || first === undefined || (at.written ?? Infinity) <= first.ms) return undefined;
  return `The target spoke first: its greeting of ${plural(first.byteCount, "byte")} came before anything was sent to it.`;
}

function writesText(timeline: Timeline) {
  const { sent, schedule } = timeline;
  if (sent.writes < 2 || schedule === undefined) return undefined;
  return (
    `The gateway wrote the message in ${count(sent.writes)} pieces, each in its own segment, because Nagle's algorithm is off. ` +
    `${peerOf(timeline, "The")} cannot see the cuts: TCP is a byte stream without boundaries.`
  );
}

function lineFeedText(timeline: Timeline) {
  const isEnd = timeline.isWithServer && messageEnd(timeline) === "newline";
  return isEnd && "The line feed (0a) marks the end of the message. Without it the server would have to wait.";
}

function silenceText(timeline: Timeline) {
  if (!timeline.isWithServer || messageEnd(timeline) !== "silence") return undefined;
  return (
    `Without a line feed or FIN, the server could not know that the message was complete. The answer began ${duration(silenceMs(timeline) ?? 0)} after the last byte. ` +
    `${messageSilenceMs} ms of silence end a message, unless it deletes; then only a line feed or FIN does.`
  );
}

function halfCloseText(timeline: Timeline) {
  const { at, reply, isDialogue } = timeline;
  // A conversation that the server closes is closed in turn.
  if (at.ended === undefined || at.ended >= (at.fin ?? Infinity)) return undefined;
  const open = at.fin === undefined ? `${peerOf(timeline, "The")} may still send.` : "The other direction stayed open.";
  if (isDialogue) return `You closed your direction: the gateway sent FIN and sends no more bytes. ${open}`;
  const then = reply.bytes > 0 ? "stayed open for the reply" : "stays open";
  return `The gateway sent FIN after the message: it sends no more bytes. The other direction ${then}.`;
}

function durabilityText(timeline: Timeline) {
  const wait = silenceMs(timeline);
  // A server without this header is another service, without a history.
  if (!timeline.isWithServer || !timeline.reply.hasReplyHeader || wait === undefined) return undefined;
  if (messageEnd(timeline) === "silence" || isSilenceLong(wait)) return undefined;
  return (
    `The answer came ${duration(wait)} after the last byte. In that time the server wrote the line into the history and synced it to the disk: ` +
    "it answers only after that."
  );
}

function headerText({ reply, isWithServer }: Timeline) {
  if (!isWithServer || !reply.hasReplyHeader) return undefined;
  return (
    `The reply starts with a header of ${plural(reply.responseOffset ?? reply.bytes, "byte")}: a link and the list of operations. ` +
    "It has no length; the response starts at the first line that announces no operation."
  );
}

function readsText({ reads, reply, readRate }: Timeline) {
  if (reply.reads < 2 || readRate !== undefined) return undefined;
  const isHeaderFirst = reads[0] !== undefined && reads[0].byteCount === reply.responseOffset;
  const why = isHeaderFirst
    ? "the server sent the header before the response was ready"
    : reads.some(({ byteCount }) => byteCount === readMax)
      ? `one read takes at most ${count(readMax)} bytes`
      : "a read returns what has arrived, however it was written";
  return `The gateway read ${count(reply.reads)} times: ${why}. It sends each read as one binary frame, neither joined nor split.`;
}

function slowReaderText({ readRate, reply }: Timeline) {
  if (readRate === undefined || reply.reads === 0) return undefined;
  return (
    `The gateway read slowly: ${plural(reply.reads, "read")} of at most ${plural(readRate.bytes, "byte")}. ` +
    "Meanwhile the bytes wait in its kernel. When that buffer is full, TCP closes the window and the sender must wait."
  );
}

function followText({ reply, end, isWithServer }: Timeline) {
  if (!isWithServer || !reply.sentence.startsWith("Following from line")) return undefined;
  const state = end === "running" ? "It is open, and silence is normal." : "It is over.";
  return `A follow has no end: the server sends each new line of the history as soon as it is on the disk. ${state}`;
}

function finText(timeline: Timeline) {
  const { at, reads, isDialogue } = timeline;
  if (at.fin === undefined) return undefined;
  const last = reads.at(-1)?.ms;
  const gap = last === undefined ? "" : ` It came ${duration(Math.max(0, at.fin - last))} after the last read.`;
  return isDialogue
    ? `${peerOf(timeline, "The")}'s FIN closes its direction: it sends no more bytes.${gap}`
    : `${peerOf(timeline, "The")}'s FIN marks the end of the reply.${gap} (The FIN bit of a WebSocket frame ends a message, not a connection.)`;
}

function resetText({ endReason, schedule }: Timeline) {
  const by = schedule === undefined ? "you asked" : "scheduled";
  return (
    endReason === "reset" &&
    `The gateway sent RST, as ${by}: it closes both directions at once, and bytes in flight may be lost.`
  );
}

function timeoutText({ failure, reply }: Timeline) {
  if (failure?.code !== "reply-timeout") return undefined;
  const what =
    reply.bytes > 0
      ? "Bytes came, then no FIN, so the reply may be incomplete."
      : "The connection was established and no answer came.";
  return `${what} TCP has no time limit for this; the gateway has.`;
}

function failureText(code: Failure["code"], text: string): NoteKind[3] {
  return ({ failure }) => failure?.code === code && text;
}
