/**
 * Short notes on what happened in this exchange, in the order in which it did. They are computed from its timeline and
 * say nothing that is not in it.
 */

import { decodeText, encodeText, messageBytesMax, messageSilenceMs } from "@wirebook/protocol";
import type { Failure } from "../../streams/stream.svelte.ts";
import { count, duration, plural } from "../../ui/format.ts";
import { flowNotesOf } from "../../traffic/flow-text.ts";
import { frameHeader } from "../frame-header.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { feedOffset, isSilenceLong, messageEnd, peerOf, silenceMs, writesBeforeReply } from "./message-end.ts";
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

/** A frame that took longer than this, beyond the error of the clocks, gets a note. */
const lateMsMin = 4;

type Of<Part> = Part | ((timeline: Timeline) => Part);

/** A note of some kind; a timeline to which its text does not apply has none. */
type NoteKind = readonly [
  term: string,
  on: Of<readonly string[]>,
  references: Of<readonly Reference[]>,
  text: (timeline: Timeline) => string | undefined,
];

const firstRead = ["read 0", "bytes 0"];

const connecting: readonly NoteKind[] = [
  ["connection refused", ["connect", "failed"], [rfc(9293, "3.10.7.1")], refusedText],
  ["three-way handshake", ["connect", "established"], [rfc(9293, "3.5"), rule("W", 1)], handshakeText],
  ["TLS handshake", ["secured"], [rfc(8446, "2"), rule("G", 8)], securedText],
  ["server-first", firstRead, greetingReferences, greetingText],
];

const failures: readonly NoteKind[] = [
  ["reset", ["failed"], [rfc(9293, "3.5.3"), rule("W", 16)], failureText("connection-reset")],
  ["retransmission", ["connect", "failed"], [rfc(9293, "3.8.1"), rule("G", 7)], failureText("connect-timeout")],
  ["timeout", ["failed"], [rule("G", 5), rule("G", 7)], timeoutText],
  ["closing the connection", ["end"], [rfc(6455, "7.1.5"), rule("G", 5)], failureText("gateway-lost")],
];

/** In the order in which things happen. */
const kinds: readonly NoteKind[] = [
  ["masking", ["request"], [rfc(6455, "5.3"), rule("G", 2)], frameText],
  ["queue", ["request", "connect"], [rule("G", 5)], queueText],
  ...connecting,
  ["byte stream, TCP_NODELAY", ["writes"], [rfc(9293, "2.2"), rfc(9293, "3.7.4"), rule("W", 2)], writesText],
  ["line feed", lastWriteBeforeReply, [rule("W", 2)], lineFeedText],
  ["silence", (of) => [...lastWriteBeforeReply(of), "read 0"], [rule("W", 5), rule("W", 6)], silenceText],
  ["unterminated message", lastWriteBeforeReply, [rule("W", 2), rule("W", 6)], unterminatedText],
  ["lingering", lastWrite, [rule("W", 2), rule("W", 17)], surplusText],
  ["limit", lastWrite, [rule("W", 3)], tooLongText],
  ["half-close", ["ended"], [rfc(9293, "3.6.1"), rule("G", 6), rule("W", 2)], halfCloseText],
  ["durability", firstRead, [rule("W", 8), rule("H", 10)], durabilityText],
  ["authentication error", firstRead, [rule("W", 13)], unauthenticatedText],
  ["header", firstRead, [rule("W", 11), rule("W", 12)], headerText],
  ["segmentation", ["reads"], [rfc(9293, "2.2"), rule("G", 3), rule("W", 16)], readsText],
  ["receive window", ["reads"], [rfc(9293, "3.8.6"), rule("G", 11), rule("W", 16)], slowReaderText],
  ["event loop", (of) => [`bytes ${latestFrame(of)?.number}`], [rule("G", 8), rule("G", 9)], lateText],
  ["follow", firstRead, [rule("W", 15)], followText],
  ["FIN", ["fin"], [rfc(9293, "3.6"), rule("W", 16)], finText],
  ["reset, ABORT", ["reset"], [rfc(9293, "3.10.5"), rule("G", 11)], resetText],
  ["cancel", ["reset", "end"], [rule("G", 5)], cancelText],
  ...failures,
];

/** Notes that hold by the rules of a Wirebook server alone. */
const byItsRules = new Set([
  "line feed",
  "silence",
  "unterminated message",
  "lingering",
  "limit",
  "durability",
  "authentication error",
  "header",
  "follow",
]);

/** The notes of a timeline, in the order in which things happened. */
export function notesOf(timeline: Timeline): readonly Note[] {
  const { flow, isWithServer } = timeline;
  const make = ([term, on, references, textOf]: NoteKind): readonly Note[] => {
    const text = textOf(timeline);
    if (text === undefined) return [];
    return [{ term, text, on: resolve(on, timeline), references: resolve(references, timeline) }];
  };
  if (flow !== undefined) {
    return [...flowNotesOf(timeline, flow), ...[...connecting, ...failures].flatMap(make)];
  }
  return kinds.filter(([term]) => isWithServer || !byItsRules.has(term)).flatMap(make);
}

function resolve<Part extends readonly unknown[]>(part: Of<Part>, timeline: Timeline): Part {
  return typeof part === "function" ? part(timeline) : part;
}

function lastWriteBeforeReply(timeline: Timeline): readonly string[] {
  return writesBeforeReply(timeline)
    .slice(-1)
    .map(({ number }) => `write ${number}`);
}

function lastWrite({ sent }: Timeline): readonly string[] {
  return [`write ${sent.writes - 1}`];
}

function frameText({ isConversation, requestBytes, messageBytes }: Timeline): string {
  const header = frameHeader("sent", "text", requestBytes);
  const content = isConversation ? "the bytes in base64" : "the words";
  const what = messageBytes === 0 ? "its wish to connect" : content;
  return (
    `The page sent ${what} in one text frame: ${header.bytes} bytes of header and ${count(requestBytes)} of JSON, XORed with a random key. ` +
    "Browsers must mask frames, so that no proxy takes the bytes of a page for HTTP."
  );
}

function queueText({ at, endedMs, failure }: Timeline): string | undefined {
  const since = at.received;
  const until = at.connecting ?? (failure?.code === "busy" ? endedMs : undefined);
  if (since === undefined || until === undefined || until - since < queueMsMin) return undefined;
  return `It waited ${duration(until - since)} in the gateway for a connection. Either all connections to the server were in use, which are given in order, or the gateway was busy.`;
}

function refusedText({ transport, at, failure }: Timeline): string | undefined {
  if (transport === "unix" || at.connecting === undefined || failure?.code !== "connect-refused") return undefined;
  return "No program listens on that port, so the server's machine answered the SYN with RST.";
}

function handshakeText({ transport, at, isDialogue }: Timeline): string | undefined {
  if (transport === "unix" || at.connecting === undefined || at.established === undefined) return undefined;
  return (
    `The gateway opened a connection ${isDialogue ? "and keeps it open" : "for this message alone"}: three segments, ` +
    `${duration(at.established - at.connecting)}. The kernels do this without the server program.`
  );
}

function securedText({ at, tls }: Timeline): string | undefined {
  if (at.established === undefined || at.secured === undefined || tls === undefined) return undefined;
  return (
    `The handshake of ${tls.version} took ${duration(at.secured - at.established)}: ${tls.cipher}, and a certificate of ${tls.peer.subject} ` +
    `from ${tls.peer.issuer}, valid to ${tls.peer.validTo.slice(0, 10)}. The bytes below are the plain text inside of TLS.`
  );
}

/** As SMTP, IMAP and FTP servers do. */
function greetingText({ at, reads, isDialogue }: Timeline): string | undefined {
  const [first] = reads;
  if (!isDialogue || first === undefined || (at.written ?? Infinity) <= first.ms) return undefined;
  return `The target spoke first: its greeting of ${plural(first.byteCount, "byte")} came before anything was sent to it.`;
}

/** An FTP server greets with 220 as well, so the word has to be there. */
function greetingReferences({ reads: [first] }: Timeline): readonly Reference[] {
  const banner = decodeText(first?.bytes ?? new Uint8Array(0));
  return /^220[ -].*SMTP/iu.test(banner) ? [rfc(5321, "3.1")] : [];
}

function writesText({ sent, schedule }: Timeline): string | undefined {
  if (sent.writes < 2 || schedule === undefined) return undefined;
  return (
    `The gateway wrote the message in ${count(sent.writes)} pieces, each in its own segment, because Nagle's algorithm is off. ` +
    "The server cannot see the cuts: TCP is a byte stream without boundaries."
  );
}

function lineFeedText(timeline: Timeline): string | undefined {
  if (messageEnd(timeline) !== "newline") return undefined;
  return "The line feed (0a) marks the end of the message. Without it the server would have to wait.";
}

function silenceText(timeline: Timeline): string | undefined {
  if (messageEnd(timeline) !== "silence" || writesBeforeReply(timeline).length === 0) return undefined;
  return (
    `Without a line feed or FIN, the server could not know that the message was complete. The answer began ${duration(silenceMs(timeline) ?? 0)} after the last byte. ` +
    `${messageSilenceMs} ms of silence end a message, unless it deletes; then only a line feed or FIN does.`
  );
}

function unterminatedText(timeline: Timeline): string | undefined {
  const isOpen = ["open", "closed"].includes(messageEnd(timeline)) && writesBeforeReply(timeline).length > 0;
  if (!isOpen || timeline.at.ended !== undefined || timeline.end !== "running") return undefined;
  return "The message has not ended yet, so the server waits for more bytes.";
}

function halfCloseText(timeline: Timeline): string | undefined {
  const { at, reply, isDialogue } = timeline;
  // A conversation that the server closes is closed in turn.
  if (at.ended === undefined || at.ended >= (at.fin ?? Infinity)) return undefined;
  const then = reply.bytes > 0 ? "The other direction stayed open for the reply." : "The other direction stays open.";
  const open = at.fin === undefined ? `${peerOf(timeline, "The")} may still send.` : "The other direction stayed open.";
  return isDialogue
    ? `You closed your direction: the gateway sent FIN and sends no more bytes. ${open}`
    : `The gateway sent FIN after the message: it sends no more bytes. ${then}`;
}

function surplusText(timeline: Timeline): string | undefined {
  const feed = feedOffset(timeline);
  const behind = feed === undefined ? 0 : timeline.messageBytes - feed - 1;
  if (behind <= 0) return undefined;
  return `${plural(behind, "byte")} came after the first line. The server reads and ignores them, so that its close does not become a reset.`;
}

function tooLongText(timeline: Timeline): string | undefined {
  const line = encodeText(timeline.message.split("\n", 1)[0] ?? "").length;
  if (line <= messageBytesMax) return undefined;
  return `The line has ${count(line)} bytes; a server reads at most ${count(messageBytesMax)}.`;
}

function durabilityText(timeline: Timeline): string | undefined {
  const wait = silenceMs(timeline);
  // A server without this header or error is another service, without a history.
  if (!timeline.reply.hasReplyHeader && timeline.reply.answer !== "unauthenticated") return undefined;
  if (wait === undefined || messageEnd(timeline) === "silence" || isSilenceLong(timeline)) return undefined;
  return (
    `The answer came ${duration(wait)} after the last byte. In that time the server wrote the line into the history and synced it to the disk: ` +
    "it answers only after that."
  );
}

function unauthenticatedText({ reply }: Timeline): string | undefined {
  if (reply.answer !== "unauthenticated") return undefined;
  return "An unauthenticated user gets only these 21 bytes: no link, no operations and no reason.";
}

function headerText({ reply }: Timeline): string | undefined {
  if (reply.answer === "unauthenticated" || !reply.hasReplyHeader) return undefined;
  return (
    `The reply starts with a header of ${plural(reply.responseOffset ?? reply.bytes, "byte")}: a link and the list of operations. ` +
    "It has no length; the response starts at the first line that announces no operation."
  );
}

function readsText(timeline: Timeline): string | undefined {
  const { reply, readRate } = timeline;
  if (reply.reads < 2 || readRate !== undefined) return undefined;
  return `The gateway read ${count(reply.reads)} times: ${whyReads(timeline)} It sends each read as one binary frame, neither joined nor split.`;
}

function whyReads({ reads: all, reply }: Timeline): string {
  const [first] = all;
  if (first !== undefined && first.byteCount === reply.responseOffset) {
    return "the server sent the header before the response was ready.";
  }
  if (all.some(({ byteCount }) => byteCount === readMax)) return `one read takes at most ${count(readMax)} bytes.`;
  return "a read returns what has arrived, however the server wrote it.";
}

function slowReaderText({ readRate, reply, at, reads: all }: Timeline): string | undefined {
  if (readRate === undefined || reply.reads === 0) return undefined;
  const lastMs = all.at(-1)?.ms;
  const during =
    lastMs === undefined || at.established === undefined ? "" : ` over ${duration(lastMs - at.established)}`;
  return (
    `The gateway read slowly: ${plural(reply.reads, "read")} of at most ${plural(readRate.bytes, "byte")}${during}. ` +
    "Meanwhile the bytes wait in its kernel. When that buffer is full, TCP closes the window and the server must wait."
  );
}

/** The read whose frame took longest to the page. */
function latestFrame({ reads }: Timeline) {
  const lags = reads.map(({ number, ms, arrivedMs = ms, queuedKiB }) => ({ number, ms: arrivedMs - ms, queuedKiB }));
  return lags.toSorted((a, b) => b.ms - a.ms)[0];
}

function lateText(timeline: Timeline): string | undefined {
  const latest = latestFrame(timeline);
  if (latest === undefined || latest.ms < lateMsMin + (timeline.errorMs ?? 0)) return undefined;
  return (
    `The page got the frame of read ${count(latest.number + 1)} ${duration(latest.ms)} after the gateway read it` +
    (latest.queuedKiB === 0
      ? ". Nothing waited for the page before it: the gateway or the page was busy."
      : `. Before it, ${count(latest.queuedKiB)} KiB waited for the page.`)
  );
}

function followText({ reply, end }: Timeline): string | undefined {
  if (!reply.sentence.startsWith("Following from line")) return undefined;
  const state = end === "running" ? "It is open, and silence is normal." : "It is over.";
  return `A follow has no end: the server sends each new line of the history as soon as it is on the disk. ${state}`;
}

function finText(timeline: Timeline): string | undefined {
  const { at, reads: all, isDialogue } = timeline;
  if (at.fin === undefined) return undefined;
  const last = all.at(-1)?.ms;
  const gap = last === undefined ? "" : ` It came ${duration(Math.max(0, at.fin - last))} after the last read.`;
  return isDialogue
    ? `${peerOf(timeline, "The")}'s FIN closes its direction: it sends no more bytes.${gap}`
    : `${peerOf(timeline, "The")}'s FIN marks the end of the reply.${gap} (The FIN bit of a WebSocket frame ends a message, not a connection.)`;
}

function resetText({ endReason, schedule }: Timeline): string | undefined {
  if (endReason !== "reset") return undefined;
  return `The gateway sent RST, as ${schedule === undefined ? "you asked" : "scheduled"}: it closes both directions at once, and bytes in flight may be lost.`;
}

function cancelText(timeline: Timeline): string | undefined {
  if (timeline.endReason !== "cancelled" || timeline.at.established === undefined) return undefined;
  return `You left: the gateway closed the connection. It discards what ${peerOf(timeline, "the")} still sends.`;
}

function timeoutText({ failure, reply }: Timeline): string | undefined {
  if (failure?.code !== "reply-timeout") return undefined;
  const what =
    reply.bytes > 0
      ? "Bytes came, then no FIN, so the reply may be incomplete."
      : "The connection was established and no answer came.";
  return `${what} TCP has no time limit for this; the gateway has.`;
}

const failureTexts = {
  "connection-reset": "The server's machine reset the connection, so the reply may be incomplete.",
  "connect-timeout":
    "The SYN got no answer, although the kernel repeats it after 1 s and 3 s. A firewall drops it, the machine is off, or its backlog is full.",
  "gateway-lost": "The WebSocket closed, so the page cannot know how the exchange ended. The gateway cancels it.",
} satisfies Partial<Record<Failure["code"], string>>;

function failureText(code: keyof typeof failureTexts): NoteKind[3] {
  return ({ failure }) => (failure?.code === code ? failureTexts[code] : undefined);
}
