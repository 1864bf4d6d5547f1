/** Short notes on what happened in this exchange, in its order; they say nothing that is not in its timeline. */

import { messageSilenceMs } from "@wirebook/protocol";
import { count, duration, plural } from "../../ui/format.ts";
import { flowNotes } from "../../traffic/flow-text.ts";
import { headerBytesOf } from "../frame-list.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { rfc, rule, type Note, type Reference } from "./references.ts";
import { messageEnd, peerOf, silenceMs, writesBeforeReply } from "./summary.ts";

/** What Node reads at once; a read of this size was cut by the reader. */
const readMax = 65_536;

/** Timers and the network are not exact: an answer may come this much earlier and still be due to the silence. */
const earlyMs = 20;

/** A note of some kind; a timeline to which its text does not apply has none. */
export type NoteKind = readonly [
  term: string,
  on: readonly string[] | ((timeline: Timeline) => readonly string[]),
  references: readonly Reference[],
  text: (timeline: Timeline) => string | false | undefined,
];

const firstRead = ["read 0", "bytes 0"];
const lastWrite = (of: Timeline) => [`write ${writesBeforeReply(of).at(-1)?.number}`];

const ofConnections: readonly NoteKind[] = [
  [
    "connection refused",
    ["connect", "failed"],
    [rfc(9293, "3.10.7.1")],
    ({ transport, at, failure }) => {
      const isRefused = transport !== "unix" && at.connecting !== undefined && failure?.code === "connect-refused";
      return isRefused && "No program listens on that port, so the machine answered the SYN with RST.";
    },
  ],
  [
    "three-way handshake",
    ["connect", "established"],
    [rfc(9293, "3.5"), rule("W", 1)],
    ({ transport, at, isDialogue }) => {
      if (transport === "unix" || at.connecting === undefined || at.established === undefined) return undefined;
      const use = isDialogue ? "and keeps it open" : "for this message alone";
      const took = duration(at.established - at.connecting);
      return `The gateway opened a connection ${use}: three segments, ${took}. The kernels do this without the programs.`;
    },
  ],
  [
    "TLS handshake",
    ["secured"],
    [rfc(8446, "2"), rule("G", 8)],
    ({ at, tls }) => {
      if (at.established === undefined || at.secured === undefined || tls === undefined) return undefined;
      const { subject, issuer, validTo } = tls.peer;
      const took = duration(at.secured - at.established);
      return (
        `The handshake of ${tls.version} took ${took}: ${tls.cipher}, and a certificate of ${subject} from ${issuer}, ` +
        `valid to ${validTo.slice(0, 10)}. The bytes below are the plain text inside of TLS.`
      );
    },
  ],
  [
    "retransmission",
    ["connect", "failed"],
    [rfc(9293, "3.8.1"), rule("G", 7)],
    ({ failure }) =>
      failure?.code === "connect-timeout" &&
      "The SYN got no answer, although the kernel repeats it after 1 s and 3 s. A firewall drops it, the machine is off, or its backlog is full.",
  ],
];

const brokenOff: NoteKind = [
  "reset",
  ["failed"],
  [rfc(9293, "3.5.3"), rule("W", 16)],
  ({ failure }) =>
    failure?.code === "connection-reset" &&
    "The machine at the other end reset the connection, so the reply may be incomplete.",
];

/** What the page's own streams can have as well, in the order in which things happen. */
const ofStreams: readonly NoteKind[] = [
  [
    "masking",
    ["request"],
    [rfc(6455, "5.3"), rule("G", 2)],
    ({ isConversation, requestBytes, messageBytes }) => {
      const content = isConversation ? "the bytes in base64" : "the words";
      const header = headerBytesOf("sent", requestBytes);
      return (
        `The page sent ${messageBytes === 0 ? "its wish to connect" : content} in one text frame: ${header} bytes of header and ` +
        `${count(requestBytes)} of JSON, XORed with a random key. Browsers must mask frames, so that no proxy takes the bytes of a page for HTTP.`
      );
    },
  ],
  ...ofConnections,
  [
    "byte stream, TCP_NODELAY",
    ["writes"],
    [rfc(9293, "2.2"), rfc(9293, "3.7.4"), rule("W", 2)],
    (of) =>
      of.schedule !== undefined &&
      of.sent.writes > 1 &&
      `The gateway wrote the message in ${count(of.sent.writes)} pieces, each in its own segment, because Nagle's algorithm is off. ` +
        `${peerOf(of)} cannot see the cuts: TCP is a byte stream without boundaries.`,
  ],
  [
    "line feed",
    lastWrite,
    [rule("W", 2)],
    (of) =>
      of.isWithServer &&
      messageEnd(of) === "newline" &&
      "The line feed (0a) marks the end of the message. Without it the server would have to wait.",
  ],
  [
    "silence",
    (of) => [...lastWrite(of), "read 0"],
    [rule("W", 5), rule("W", 6)],
    (of) =>
      of.isWithServer &&
      messageEnd(of) === "silence" &&
      `Without a line feed or FIN, the server could not know that the message was complete. The answer began ${duration(silenceMs(of) ?? 0)} after the last byte. ` +
        `${messageSilenceMs} ms of silence end a message, unless it deletes; then only a line feed or FIN does.`,
  ],
  [
    "half-close",
    ["ended"],
    [rfc(9293, "3.6.1"), rule("G", 6), rule("W", 2)],
    (of) => {
      const { at, reply, isDialogue } = of;
      // A conversation that the server closes is closed in turn.
      if (at.ended === undefined || at.ended >= (at.fin ?? Infinity)) return undefined;
      const open = at.fin === undefined ? `${peerOf(of)} may still send.` : "The other direction stayed open.";
      if (isDialogue) return `You closed your direction: the gateway sent FIN and sends no more bytes. ${open}`;
      const then = reply.bytes > 0 ? "stayed open for the reply" : "stays open";
      return `The gateway sent FIN after the message: it sends no more bytes. The other direction ${then}.`;
    },
  ],
  [
    "durability",
    firstRead,
    [rule("W", 8), rule("H", 10)],
    (of) => {
      const wait = silenceMs(of);
      // A server without this header is another service, without a history.
      if (!of.isWithServer || !of.reply.hasReplyHeader || wait === undefined) return undefined;
      if (messageEnd(of) === "silence" || wait >= messageSilenceMs - earlyMs) return undefined;
      return (
        `The answer came ${duration(wait)} after the last byte. In that time the server wrote the line into the history and synced it to the disk: ` +
        "it answers only after that."
      );
    },
  ],
  [
    "header",
    firstRead,
    [rule("W", 11), rule("W", 12)],
    ({ reply, isWithServer }) =>
      isWithServer &&
      reply.hasReplyHeader &&
      `The reply starts with a header of ${plural(reply.responseOffset ?? reply.bytes, "byte")}: a link and the list of operations. ` +
        "It has no length; the response starts at the first line that announces no operation.",
  ],
  [
    "segmentation",
    ["reads"],
    [rfc(9293, "2.2"), rule("G", 3), rule("W", 16)],
    ({ reads, reply, readRate }) => {
      if (reply.reads < 2 || readRate !== undefined) return undefined;
      const why =
        reads[0]?.byteCount === reply.responseOffset
          ? "the server sent the header before the response was ready"
          : reads.some(({ byteCount }) => byteCount === readMax)
            ? `one read takes at most ${count(readMax)} bytes`
            : "a read returns what has arrived, however it was written";
      return `The gateway read ${count(reply.reads)} times: ${why}. It sends each read as one binary frame, neither joined nor split.`;
    },
  ],
  [
    "receive window",
    ["reads"],
    [rfc(9293, "3.8.6"), rule("G", 11), rule("W", 16)],
    ({ readRate, reply }) =>
      readRate !== undefined &&
      reply.reads > 0 &&
      `The gateway read slowly: ${plural(reply.reads, "read")} of at most ${plural(readRate.bytes, "byte")}. ` +
        "Meanwhile the bytes wait in its kernel. When that buffer is full, TCP closes the window and the sender must wait.",
  ],
  [
    "FIN",
    ["fin"],
    [rfc(9293, "3.6"), rule("W", 16)],
    (of) => {
      const last = of.reads.at(-1)?.atMs;
      if (of.at.fin === undefined) return undefined;
      const gap = last === undefined ? "" : ` It came ${duration(Math.max(0, of.at.fin - last))} after the last read.`;
      return of.isDialogue
        ? `${peerOf(of)}'s FIN closes its direction: it sends no more bytes.${gap}`
        : `${peerOf(of)}'s FIN marks the end of the reply.${gap} (The FIN bit of a WebSocket frame ends a message, not a connection.)`;
    },
  ],
  [
    "reset, ABORT",
    ["reset"],
    [rfc(9293, "3.10.5"), rule("G", 11)],
    ({ endReason, schedule }) =>
      endReason === "reset" &&
      `The gateway sent RST, as ${schedule === undefined ? "you asked" : "scheduled"}: it closes both directions at once, and bytes in flight may be lost.`,
  ],
  brokenOff,
];

/** The notes of a timeline, in the order in which things happened. */
export function notesOf(timeline: Timeline): readonly Note[] {
  const all = timeline.flow === undefined ? ofStreams : [...flowNotes, ...ofConnections, brokenOff];
  return all.flatMap(([term, on, references, textOf]) => {
    const text = textOf(timeline);
    if (typeof text !== "string") return [];
    return [{ term, text, on: typeof on === "function" ? on(timeline) : on, references }];
  });
}
