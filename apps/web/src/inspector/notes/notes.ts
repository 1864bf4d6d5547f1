/**
 * Short notes on what happened in this exchange; they say nothing that is not in its timeline. The tables have them in the
 * order in which things happen.
 */

import { messageSilenceMs } from "@wirebook/protocol";
import { isClosedByTarget } from "../../streams/result.ts";
import { describeFaults } from "../../traffic/faults.ts";
import { count, duration, plural } from "../../ui/format.ts";
import { headerBytesOf } from "../frame-list.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { messageEnd, peerOf, silenceMs, whoReset, writesBeforeReply } from "./summary.ts";

/** Where a term is defined; without a link where the page does not know the address, as of this project's documents. */
interface Reference {
  readonly label: string;
  readonly title: string;
  readonly href?: string;
}

export function rfc(number: number, section: string): Reference {
  const href = `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
  return { label: `RFC ${number}, ${section}`, title: `RFC ${number}, section ${section}`, href };
}

const documents = { W: "protocol.md", G: "gateway-frames.md", H: "history-format.md" };

export function rule(letter: keyof typeof documents, number: number): Reference {
  const name = `${letter}-${number}`;
  return { label: `[${name}]`, title: `Rule ${name} (docs/reference/${documents[letter]})` };
}

/** A note of some kind, and the arrows of the diagram that it is about; `reads` and `writes` are all of their kind. */
type NoteKind = readonly [
  term: string,
  on: readonly string[] | ((timeline: Timeline) => readonly string[]),
  references: readonly Reference[],
  /** A timeline to which it does not apply has none. */
  text: (timeline: Timeline) => string | false | undefined,
];

const firstRead = ["read 0", "bytes 0"];
const lastWrite = (of: Timeline) => [`write ${writesBeforeReply(of).at(-1)?.number}`];
const fins = ["fin client", "fin target", "ended client", "ended target"];

const ofConnections: readonly NoteKind[] = [
  ["connection refused", ["connect", "failed"], [rfc(9293, "3.10.7.1")], refusedText],
  ["three-way handshake", ["connect", "established"], [rfc(9293, "3.5"), rule("W", 1)], handshakeText],
  ["TLS handshake", ["secured"], [rfc(8446, "2"), rule("G", 8)], tlsText],
  ["retransmission", ["connect", "failed"], [rfc(9293, "3.8.1"), rule("G", 7)], timeoutText],
];

const brokenOff: NoteKind = ["reset", ["failed"], [rfc(9293, "3.5.3"), rule("W", 16)], brokenOffText];

const ofStreams: readonly NoteKind[] = [
  ["masking", ["request"], [rfc(6455, "5.3"), rule("G", 2)], maskingText],
  ...ofConnections,
  ["byte stream, TCP_NODELAY", ["writes"], [rfc(9293, "2.2"), rfc(9293, "3.7.4"), rule("W", 2)], piecesText],
  ["line feed", lastWrite, [rule("W", 2)], lineFeedText],
  ["silence", (of) => [...lastWrite(of), "read 0"], [rule("W", 5), rule("W", 6)], silenceText],
  ["half-close", ["ended"], [rfc(9293, "3.6.1"), rule("G", 6), rule("W", 2)], halfCloseText],
  ["durability", firstRead, [rule("W", 8), rule("H", 10)], durabilityText],
  ["header", firstRead, [rule("W", 11), rule("W", 12)], headerText],
  ["segmentation", ["reads"], [rfc(9293, "2.2"), rule("G", 3), rule("W", 16)], segmentationText],
  ["receive window", ["reads"], [rfc(9293, "3.8.6"), rule("G", 11), rule("W", 16)], windowText],
  ["FIN", ["fin"], [rfc(9293, "3.6"), rule("W", 16)], finText],
  ["reset, ABORT", ["reset"], [rfc(9293, "3.10.5"), rule("G", 11)], resetText],
  brokenOff,
];

const ofFlows: readonly NoteKind[] = [
  ["accept", ["accept"], [rule("G", 15)], acceptText],
  ["fault injection", [], [rule("G", 15)], faultsText],
  ["gap", [], [rule("G", 15)], gapText],
  ["backpressure", [], [rfc(9293, "3.8.6")], waitText],
  ["FIN, half-close", fins, [rfc(9293, "3.6")], flowHalfCloseText],
  ["RST", ["rst client", "rst target"], [rfc(9293, "3.10.7")], flowResetText],
  ...ofConnections,
  brokenOff,
];

export function notesOf(timeline: Timeline) {
  return (timeline.flow === undefined ? ofStreams : ofFlows).flatMap(([term, on, references, textOf]) => {
    const text = textOf(timeline);
    if (typeof text !== "string") return [];
    return [{ term, text, on: typeof on === "function" ? on(timeline) : on, references }];
  });
}

function refusedText({ transport, at, failure }: Timeline) {
  const isRefused = transport !== "unix" && at.connecting !== undefined && failure?.code === "connect-refused";
  return isRefused && "No program listens on that port, so the machine answered the SYN with RST.";
}

function handshakeText({ transport, at, isDialogue }: Timeline) {
  if (transport === "unix" || at.connecting === undefined || at.established === undefined) return undefined;
  const use = isDialogue ? "and keeps it open" : "for this message alone";
  const took = duration(at.established - at.connecting);
  return `The gateway opened a connection ${use}: three segments, ${took}. The kernels do this without the programs.`;
}

function tlsText({ at, tls }: Timeline) {
  if (at.established === undefined || at.secured === undefined || tls === undefined) return undefined;
  const { subject, issuer, validTo } = tls.peer;
  const took = duration(at.secured - at.established);
  return (
    `The handshake of ${tls.version} took ${took}: ${tls.cipher}, and a certificate of ${subject} from ${issuer}, ` +
    `valid to ${validTo.slice(0, 10)}. The bytes below are the plain text inside of TLS.`
  );
}

function timeoutText({ failure }: Timeline) {
  return (
    failure?.code === "connect-timeout" &&
    "The SYN got no answer, although the kernel repeats it after 1 s and 3 s. A firewall drops it, the machine is off, or its backlog is full."
  );
}

function brokenOffText({ failure }: Timeline) {
  const isReset = failure?.code === "connection-reset";
  return isReset && "The machine at the other end reset the connection, so the reply may be incomplete.";
}

function maskingText({ isConversation, requestBytes, messageBytes }: Timeline) {
  const content = isConversation ? "the bytes in base64" : "the words";
  const header = headerBytesOf("sent", requestBytes);
  return (
    `The page sent ${messageBytes === 0 ? "its wish to connect" : content} in one text frame: ${header} bytes of header and ` +
    `${count(requestBytes)} of JSON, XORed with a random key. Browsers must mask frames, so that no proxy takes the bytes of a page for HTTP.`
  );
}

function piecesText(of: Timeline) {
  return (
    of.schedule !== undefined &&
    of.sent.writes > 1 &&
    `The gateway wrote the message in ${count(of.sent.writes)} pieces, each in its own segment, because Nagle's algorithm is off. ` +
      `${peerOf(of)} cannot see the cuts: TCP is a byte stream without boundaries.`
  );
}

function lineFeedText(of: Timeline) {
  const isEnd = of.isWithServer && messageEnd(of) === "newline";
  return isEnd && "The line feed (0a) marks the end of the message. Without it the server would have to wait.";
}

function silenceText(of: Timeline) {
  return (
    of.isWithServer &&
    messageEnd(of) === "silence" &&
    `Without a line feed or FIN, the server could not know that the message was complete. The answer began ${duration(silenceMs(of) ?? 0)} after the last byte. ` +
      `${messageSilenceMs} ms of silence end a message, unless it deletes; then only a line feed or FIN does.`
  );
}

function halfCloseText(of: Timeline) {
  const { at, reply, isDialogue } = of;
  // A conversation that the server closes is closed in turn.
  if (at.ended === undefined || at.ended >= (at.fin ?? Infinity)) return undefined;
  const open = at.fin === undefined ? `${peerOf(of)} may still send.` : "The other direction stayed open.";
  if (isDialogue) return `You closed your direction: the gateway sent FIN and sends no more bytes. ${open}`;
  const then = reply.bytes > 0 ? "stayed open for the reply" : "stays open";
  return `The gateway sent FIN after the message: it sends no more bytes. The other direction ${then}.`;
}

/** Timers and the network are not exact: an answer may come this much earlier and still be due to the silence. */
const earlyMs = 20;

function durabilityText(of: Timeline) {
  const wait = silenceMs(of);
  // A server without this header is another service, without a history.
  if (!of.isWithServer || !of.reply.hasReplyHeader || wait === undefined) return undefined;
  if (messageEnd(of) === "silence" || wait >= messageSilenceMs - earlyMs) return undefined;
  return (
    `The answer came ${duration(wait)} after the last byte. In that time the server wrote the line into the history and synced it to the disk: ` +
    "it answers only after that."
  );
}

function headerText({ reply, isWithServer }: Timeline) {
  return (
    isWithServer &&
    reply.hasReplyHeader &&
    `The reply starts with a header of ${plural(reply.responseOffset ?? reply.bytes, "byte")}: a link and the list of operations. ` +
      "It has no length; the response starts at the first line that announces no operation."
  );
}

/** What Node reads at once; a read of this size was cut by the reader. */
const readMax = 65_536;

function segmentationText({ reads, reply, readRate }: Timeline) {
  if (reply.reads < 2 || readRate !== undefined) return undefined;
  const why =
    reads[0]?.byteCount === reply.responseOffset
      ? "the server sent the header before the response was ready"
      : reads.some(({ byteCount }) => byteCount === readMax)
        ? `one read takes at most ${count(readMax)} bytes`
        : "a read returns what has arrived, however it was written";
  return `The gateway read ${count(reply.reads)} times: ${why}. It sends each read as one binary frame, neither joined nor split.`;
}

function windowText({ readRate, reply }: Timeline) {
  return (
    readRate !== undefined &&
    reply.reads > 0 &&
    `The gateway read slowly: ${plural(reply.reads, "read")} of at most ${plural(readRate.bytes, "byte")}. ` +
      "Meanwhile the bytes wait in its kernel. When that buffer is full, TCP closes the window and the sender must wait."
  );
}

function finText(of: Timeline) {
  const last = of.reads.at(-1)?.atMs;
  if (of.at.fin === undefined) return undefined;
  const gap = last === undefined ? "" : ` It came ${duration(Math.max(0, of.at.fin - last))} after the last read.`;
  return of.isDialogue
    ? `${peerOf(of)}'s FIN closes its direction: it sends no more bytes.${gap}`
    : `${peerOf(of)}'s FIN marks the end of the reply.${gap} (The FIN bit of a WebSocket frame ends a message, not a connection.)`;
}

function resetText({ endReason, schedule }: Timeline) {
  return (
    endReason === "reset" &&
    `The gateway sent RST, as ${schedule === undefined ? "you asked" : "scheduled"}: it closes both directions at once, and bytes in flight may be lost.`
  );
}

function acceptText({ target, flow }: Timeline) {
  if (flow === undefined) return undefined;
  const ways = {
    listen: `connected to port ${flow.port} of the gateway, which passes every byte on to ${target}`,
    relay: `connected to ${target} through the gateway's relay, with a WebSocket`,
    presented: `has this conversation with ${target} and presents it`,
  };
  return `${flow.clientName} ${ways[flow.via]}. The page only watches: nothing of this was sent by it.`;
}

function faultsText({ flow }: Timeline) {
  const done = describeFaults(flow?.faults ?? {});
  return done !== "" && `Port ${flow?.port} did this to the connection on purpose: ${done}.`;
}

function gapText({ flow }: Timeline) {
  const { sent = 0, received = 0 } = flow?.missing ?? {};
  return (
    sent + received > 0 &&
    `The content of ${plural(sent, "byte")} from the client and ${plural(received, "byte")} from the target ` +
      "is missing here: the gateway and the page keep a bounded part. The connection itself lost nothing."
  );
}

function waitText({ flow }: Timeline) {
  const waits = flow?.waits ?? 0;
  return (
    waits > 0 &&
    `${plural(waits, "read")} had to wait in the gateway: the other side did not take the bytes at once, or a fault held them. ` +
      "The second arrow shows when they left."
  );
}

function flowHalfCloseText(timeline: Timeline) {
  const { at, target } = timeline;
  if (at.ended === undefined && at.fin === undefined) return undefined;
  const isByTarget = isClosedByTarget(timeline);
  const [first, other] = isByTarget ? [target, "the client"] : ["The client", target];
  const isBoth = at.ended !== undefined && at.fin !== undefined;
  const then = isBoth
    ? `${duration(Math.abs(at.fin - at.ended))} later ${other} closed its own`
    : `Until ${other} closes its own, it may still send`;
  return `${first} closed its direction first, and the gateway passed the FIN on. ${then}.`;
}

function flowResetText({ target, flow }: Timeline) {
  return flow?.reset !== undefined && `${whoReset(flow.reset, target)} Bytes in flight may be lost.`;
}
