/**
 * Short notes on what happened in this exchange, in the order in which it did. They are computed from its timeline and
 * say nothing that is not in it.
 */

import { encodeText, messageBytesMax, messageSilenceMs } from "@wirebook/protocol";
import type { Failure } from "../../streams/stream.svelte.ts";
import { count, duration, plural } from "../../ui/format.ts";
import { frameHeader } from "../frame-header.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { feedOffset, isSilenceLong, messageEnd, silenceMs, writesBeforeReply } from "./message-end.ts";
import { rfc, rule } from "./references.ts";
import type { Reference } from "./references.ts";
import { peerOf } from "./summary.ts";

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

/** The notes of a timeline, in the order in which things happened. */
export function notesOf(timeline: Timeline): readonly Note[] {
  const sent = [
    frameNote,
    queueNote,
    connectionNote,
    secureNote,
    greetingNote,
    writesNote,
    endNote,
    surplusNote,
    tooLongNote,
    halfCloseNote,
  ];
  const received = [serverNote, headerNote, readsNote, slowReaderNote, lateNote];
  const ended = [followNote, finNote, resetNote, cancelNote, failureNote];
  return [...sent, ...received, ...ended]
    .filter((note) => timeline.isWithServer || !byItsRules.has(note))
    .map((note) => note(timeline))
    .filter((note) => note !== undefined);
}

/** Notes that hold by the rules of a Wirebook server alone. */
const byItsRules = new Set([endNote, surplusNote, tooLongNote, serverNote, headerNote, followNote]);

function frameNote({ isConversation, requestBytes, messageBytes }: Timeline): Note {
  const header = frameHeader("sent", "text", requestBytes);
  const content = isConversation ? "the bytes in base64" : "the words";
  const what = messageBytes === 0 ? "its wish to connect" : content;
  return {
    text:
      `The page sent ${what} in one text frame: ${header.bytes} bytes of header and ${count(requestBytes)} of JSON, XORed with a random key. ` +
      "Browsers must mask frames, so that no proxy takes the bytes of a page for HTTP.",
    term: "masking",
    references: [rfc(6455, "5.3"), rule("G", 2)],
    on: ["request"],
  };
}

function queueNote({ at, endedMs, failure }: Timeline): Note | undefined {
  const since = at.received;
  const until = at.connecting ?? (failure?.code === "busy" ? endedMs : undefined);
  if (since === undefined || until === undefined || until - since < queueMsMin) return undefined;
  return {
    text: `It waited ${duration(until - since)} in the gateway for a connection. Either all connections to the server were in use, which are given in order, or the gateway was busy.`,
    term: "queue",
    references: [rule("G", 5)],
    on: ["request", "connect"],
  };
}

function connectionNote({ transport, at, failure, isDialogue }: Timeline): Note | undefined {
  if (transport === "unix") return undefined;
  if (at.connecting === undefined) return undefined;
  if (failure?.code === "connect-refused") {
    return {
      text: "No program listens on that port, so the server's machine answered the SYN with RST.",
      term: "connection refused",
      references: [rfc(9293, "3.10.7.1")],
      on: ["connect", "failed"],
    };
  }
  if (at.established === undefined) return undefined;
  return {
    text:
      `The gateway opened a connection ${isDialogue ? "and keeps it open" : "for this message alone"}: three segments, ` +
      `${duration(at.established - at.connecting)}. The kernels do this without the server program.`,
    term: "three-way handshake",
    references: [rfc(9293, "3.5"), rule("W", 1)],
    on: ["connect", "established"],
  };
}

function secureNote({ at, tls }: Timeline): Note | undefined {
  if (at.established === undefined || at.secured === undefined || tls === undefined) return undefined;
  return {
    text:
      `The handshake of ${tls.version} took ${duration(at.secured - at.established)}: ${tls.cipher}, and a certificate of ${tls.peer.subject} ` +
      `from ${tls.peer.issuer}, valid to ${tls.peer.validTo.slice(0, 10)}. The bytes below are the plain text inside of TLS.`,
    term: "TLS handshake",
    references: [rfc(8446, "2"), rule("G", 8)],
    on: ["secured"],
  };
}

/** As SMTP, IMAP and FTP servers do. */
function greetingNote({ at, reads, isDialogue }: Timeline): Note | undefined {
  const [first] = reads;
  if (!isDialogue || first === undefined || (at.written ?? Infinity) <= first.ms) return undefined;
  return {
    text: `The target spoke first: its greeting of ${plural(first.byteCount, "byte")} came before anything was sent to it.`,
    term: "server-first",
    references: [rfc(5321, "3.1")],
    on: ["read 0", "bytes 0"],
  };
}

function writesNote({ sent, schedule }: Timeline): Note | undefined {
  if (sent.writes < 2 || schedule === undefined) return undefined;
  return {
    text:
      `The gateway wrote the message in ${count(sent.writes)} pieces, each in its own segment, because Nagle's algorithm is off. ` +
      "The server cannot see the cuts: TCP is a byte stream without boundaries.",
    term: "byte stream, TCP_NODELAY",
    references: [rfc(9293, "2.2"), rfc(9293, "3.7.4"), rule("W", 2)],
    on: ["writes"],
  };
}

function endNote(timeline: Timeline): Note | undefined {
  const { at } = timeline;
  const last = writesBeforeReply(timeline).at(-1);
  if (last === undefined) return undefined;
  const silence = silenceMs(timeline);
  const on = [`write ${last.number}`];
  switch (messageEnd(timeline)) {
    case "newline":
      return {
        text: "The line feed (0a) marks the end of the message. Without it the server would have to wait.",
        term: "line feed",
        references: [rule("W", 2)],
        on,
      };
    case "silence":
      return {
        text:
          `Without a line feed or FIN, the server could not know that the message was complete. The answer began ${duration(silence ?? 0)} after the last byte. ` +
          `${messageSilenceMs} ms of silence end a message, unless it deletes; then only a line feed or FIN does.`,
        term: "silence",
        references: [rule("W", 5), rule("W", 6)],
        on: [...on, "read 0"],
      };
    case "fin":
    case "closed":
    case "open":
      return at.ended === undefined && timeline.end === "running"
        ? {
            text: "The message has not ended yet, so the server waits for more bytes.",
            term: "unterminated message",
            references: [rule("W", 2), rule("W", 6)],
            on,
          }
        : undefined;
  }
}

function halfCloseNote(timeline: Timeline): Note | undefined {
  const { at, reply, isDialogue } = timeline;
  // A conversation that the server closes is closed in turn.
  if (at.ended === undefined || at.ended >= (at.fin ?? Infinity)) return undefined;
  const then = reply.bytes > 0 ? "The other direction stayed open for the reply." : "The other direction stays open.";
  const open = at.fin === undefined ? `${peerOf(timeline, "The")} may still send.` : "The other direction stayed open.";
  return {
    text: isDialogue
      ? `You closed your direction: the gateway sent FIN and sends no more bytes. ${open}`
      : `The gateway sent FIN after the message: it sends no more bytes. ${then}`,
    term: "half-close",
    references: [rfc(9293, "3.6.1"), rule("G", 6), rule("W", 2)],
    on: ["ended"],
  };
}

function surplusNote(timeline: Timeline): Note | undefined {
  const feed = feedOffset(timeline);
  const behind = feed === undefined ? 0 : timeline.messageBytes - feed - 1;
  if (behind <= 0) return undefined;
  return {
    text: `${plural(behind, "byte")} came after the first line. The server reads and ignores them, so that its close does not become a reset.`,
    term: "lingering",
    references: [rule("W", 2), rule("W", 17)],
    on: [`write ${timeline.sent.writes - 1}`],
  };
}

function tooLongNote(timeline: Timeline): Note | undefined {
  const line = encodeText(timeline.message.split("\n", 1)[0] ?? "").length;
  if (line <= messageBytesMax) return undefined;
  return {
    text: `The line has ${count(line)} bytes; a server reads at most ${count(messageBytesMax)}.`,
    term: "limit",
    references: [rule("W", 3)],
    on: [`write ${timeline.sent.writes - 1}`],
  };
}

function serverNote(timeline: Timeline): Note | undefined {
  const wait = silenceMs(timeline);
  // A server without this header or error is another service, without a history.
  if (!timeline.reply.hasReplyHeader && timeline.reply.answer !== "unauthenticated") return undefined;
  if (wait === undefined || messageEnd(timeline) === "silence" || isSilenceLong(timeline)) {
    return undefined;
  }
  return {
    text:
      `The answer came ${duration(wait)} after the last byte. In that time the server wrote the line into the history and synced it to the disk: ` +
      "it answers only after that.",
    term: "durability",
    references: [rule("W", 8), rule("H", 10)],
    on: ["read 0", "bytes 0"],
  };
}

function headerNote({ reply }: Timeline): Note | undefined {
  if (reply.answer === "unauthenticated") {
    return {
      text: "An unauthenticated user gets only these 21 bytes: no link, no operations and no reason.",
      term: "authentication error",
      references: [rule("W", 13)],
      on: ["read 0", "bytes 0"],
    };
  }
  if (!reply.hasReplyHeader) return undefined;
  const size = reply.responseOffset ?? reply.bytes;
  return {
    text:
      `The reply starts with a header of ${plural(size, "byte")}: a link and the list of operations. ` +
      "It has no length; the response starts at the first line that announces no operation.",
    term: "header",
    references: [rule("W", 11), rule("W", 12)],
    on: ["read 0", "bytes 0"],
  };
}

function readsNote(timeline: Timeline): Note | undefined {
  const { reply, readRate } = timeline;
  if (reply.reads < 2 || readRate !== undefined) return undefined;
  return {
    text: `The gateway read ${count(reply.reads)} times: ${whyReads(timeline)} It sends each read as one binary frame, neither joined nor split.`,
    term: "segmentation",
    references: [rfc(9293, "2.2"), rule("G", 3), rule("W", 16)],
    on: ["reads"],
  };
}

function whyReads({ reads: all, reply }: Timeline): string {
  const [first] = all;
  if (first !== undefined && first.byteCount === reply.responseOffset) {
    return "the server sent the header before the response was ready.";
  }
  if (all.some(({ byteCount }) => byteCount === readMax)) return `one read takes at most ${count(readMax)} bytes.`;
  return "a read returns what has arrived, however the server wrote it.";
}

function slowReaderNote({ readRate, reply, at, reads: all }: Timeline): Note | undefined {
  if (readRate === undefined || reply.reads === 0) return undefined;
  const lastMs = all.at(-1)?.ms;
  const during =
    lastMs === undefined || at.established === undefined ? "" : ` over ${duration(lastMs - at.established)}`;
  return {
    text:
      `The gateway read slowly: ${plural(reply.reads, "read")} of at most ${plural(readRate.bytes, "byte")}${during}. ` +
      "Meanwhile the bytes wait in its kernel. When that buffer is full, TCP closes the window and the server must wait.",
    term: "receive window",
    references: [rfc(9293, "3.8.6"), rule("G", 11), rule("W", 16)],
    on: ["reads"],
  };
}

function lateNote({ reads: all, errorMs }: Timeline): Note | undefined {
  const lags = all.map(({ number, ms, arrivedMs = ms, queuedKiB }) => ({ number, ms: arrivedMs - ms, queuedKiB }));
  const worstMs = Math.max(...lags.map(({ ms }) => ms));
  const worst = lags.find(({ ms }) => ms === worstMs);
  if (worst === undefined || worst.ms < lateMsMin + (errorMs ?? 0)) return undefined;
  return {
    text:
      `The page got the frame of read ${count(worst.number + 1)} ${duration(worst.ms)} after the gateway read it` +
      (worst.queuedKiB === 0
        ? ". Nothing waited for the page before it: the gateway or the page was busy."
        : `. Before it, ${count(worst.queuedKiB)} KiB waited for the page.`),
    term: "event loop",
    references: [rule("G", 8), rule("G", 9)],
    on: [`bytes ${worst.number}`],
  };
}

function followNote({ reply, end }: Timeline): Note | undefined {
  if (!reply.sentence.startsWith("Following from line")) return undefined;
  const state = end === "running" ? "It is open, and silence is normal." : "It is over.";
  return {
    text: `A follow has no end: the server sends each new line of the history as soon as it is on the disk. ${state}`,
    term: "follow",
    references: [rule("W", 15)],
    on: ["bytes 0", "read 0"],
  };
}

function finNote(timeline: Timeline): Note | undefined {
  const { at, reads: all, isDialogue } = timeline;
  if (at.fin === undefined) return undefined;
  const last = all.at(-1)?.ms;
  const gap = last === undefined ? "" : ` It came ${duration(Math.max(0, at.fin - last))} after the last read.`;
  return {
    text: isDialogue
      ? `${peerOf(timeline, "The")}'s FIN closes its direction: it sends no more bytes.${gap}`
      : `${peerOf(timeline, "The")}'s FIN marks the end of the reply.${gap} (The FIN bit of a WebSocket frame ends a message, not a connection.)`,
    term: "FIN",
    references: [rfc(9293, "3.6"), rule("W", 16)],
    on: ["fin"],
  };
}

function resetNote({ endReason, schedule }: Timeline): Note | undefined {
  if (endReason !== "reset") return undefined;
  return {
    text: `The gateway sent RST, as ${schedule === undefined ? "you asked" : "scheduled"}: it closes both directions at once, and bytes in flight may be lost.`,
    term: "reset, ABORT",
    references: [rfc(9293, "3.10.5"), rule("G", 11)],
    on: ["reset"],
  };
}

function cancelNote(timeline: Timeline): Note | undefined {
  const { endReason, at } = timeline;
  if (endReason !== "cancelled" || at.established === undefined) return undefined;
  return {
    text: `You left: the gateway closed the connection. It discards what ${peerOf(timeline, "the")} still sends.`,
    term: "cancel",
    references: [rule("G", 5)],
    on: ["reset", "end"],
  };
}

function failureNote({ failure: failed, reply }: Timeline): Note | undefined {
  if (failed?.code === "reply-timeout" && reply.bytes > 0) return leftOpen;
  return failed && failures[failed.code];
}

const leftOpen: Note = {
  text: "Bytes came, then no FIN, so the reply may be incomplete. TCP has no time limit for this; the gateway has.",
  term: "timeout",
  references: [rule("G", 5), rule("G", 7)],
  on: ["failed"],
};

/** A refused connection has a note above, where it happened. */
const failures: Partial<Record<Failure["code"], Note>> = {
  "connection-reset": {
    text: "The server's machine reset the connection, so the reply may be incomplete.",
    term: "reset",
    references: [rfc(9293, "3.5.3"), rule("W", 16)],
    on: ["failed"],
  },
  "connect-timeout": {
    text: "The SYN got no answer, although the kernel repeats it after 1 s and 3 s. A firewall drops it, the machine is off, or its backlog is full.",
    term: "retransmission",
    references: [rfc(9293, "3.8.1"), rule("G", 7)],
    on: ["connect", "failed"],
  },
  "reply-timeout": {
    text: "The connection was established and no answer came. TCP has no time limit for this; the gateway has.",
    term: "timeout",
    references: [rule("G", 5), rule("G", 7)],
    on: ["failed"],
  },
  "gateway-lost": {
    text: "The WebSocket closed, so the page cannot know how the exchange ended. The gateway cancels it.",
    term: "closing the connection",
    references: [rfc(6455, "7.1.5"), rule("G", 5)],
    on: ["end"],
  },
};
