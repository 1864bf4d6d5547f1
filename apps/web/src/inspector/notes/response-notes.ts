/** Notes on the way back: the wait for the disk, the chunks, the beginning, the frames, and how it ended. */

import { count, duration, plural } from "../../ui/format.ts";
import type { Failure } from "../../exchanges/intent.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { isSilenceLong, messageEnd, silenceMs } from "./message-end.ts";
import { rfc, rule } from "./note.ts";
import type { Note } from "./note.ts";

/** What Node reads at once; a chunk of this size was cut by the reader. */
const readMax = 65_536;

/** A frame that took longer than this, beyond the error of the clocks, is worth a word. */
const lateMsMin = 4;

export function responseNotes(story: Timeline): readonly Note[] {
  const all = [server, beginning, chunks, slowReader, late, follow, fin, reset, failure];
  return all.map((note) => note(story)).filter((note) => note !== undefined);
}

function server(story: Timeline): Note | undefined {
  const wait = silenceMs(story);
  // Another service keeps no history.
  if (!story.reply.hasReplyHeader && story.reply.answer !== "stranger") return undefined;
  if (wait === undefined || messageEnd(story) === "silence" || isSilenceLong(story)) {
    return undefined;
  }
  return {
    text:
      `${duration(wait)} from the last byte to the first of the answer. In that time the line was written into the history and synced to the disk: ` +
      "a Wirebook server answers nothing before.",
    term: "durability",
    references: [rule("W", 8), rule("H", 10)],
    on: ["chunk 0", "bytes 0"],
  };
}

function beginning({ reply }: Timeline): Note | undefined {
  if (reply.answer === "stranger") {
    return {
      text: "These 21 bytes are the whole reply to somebody who is not known: no list, no reason.",
      term: "authentication error",
      references: [rule("W", 13)],
      on: ["chunk 0", "bytes 0"],
    };
  }
  if (!reply.hasReplyHeader) return undefined;
  const size = reply.responseOffset ?? reply.bytes;
  return {
    text:
      `The reply begins with a link and the list of operations, ${plural(size, "byte")}: so a client learns what it may ask for. ` +
      "No length is given; the response begins at the first line that announces no further operation.",
    term: "beginning",
    references: [rule("W", 11), rule("W", 12)],
    on: ["chunk 0", "bytes 0"],
  };
}

function chunks(story: Timeline): Note | undefined {
  const { reply, read } = story;
  if (reply.chunks < 2 || read !== undefined) return undefined;
  const on = story.chunks.flatMap(({ index }) => [`chunk ${index}`, `bytes ${index}`]);
  return {
    text: `${count(reply.chunks)} chunks, because the gateway read ${count(reply.chunks)} times: ${whyChunks(story)} Each read is one binary frame, neither joined nor split.`,
    term: "segmentation",
    references: [rfc(9293, "2.2"), rule("G", 3), rule("W", 16)],
    on,
  };
}

function whyChunks({ chunks: all, reply }: Timeline): string {
  const [first] = all;
  if (first !== undefined && first.bytes === reply.responseOffset) {
    return "the list was on its way before the response was ready.";
  }
  if (all.some(({ bytes }) => bytes === readMax)) return `one read takes at most ${count(readMax)} bytes.`;
  return "what had arrived by then is what a read gives, wherever the server cut its writes.";
}

function slowReader({ read, reply, at, chunks: all }: Timeline): Note | undefined {
  if (read === undefined || reply.chunks === 0) return undefined;
  const lastMs = all.at(-1)?.readMs;
  const during =
    lastMs === undefined || at.established === undefined ? "" : ` over ${duration(lastMs - at.established)}`;
  return {
    text:
      `The gateway read slowly: ${plural(reply.chunks, "read")} of at most ${plural(read.bytes, "byte")}${during}. ` +
      "Meanwhile the bytes lay in the kernel of its machine; only when that is full does TCP close the window, and the server must wait.",
    term: "receive window",
    references: [rfc(9293, "3.8.6"), rule("G", 11), rule("W", 16)],
    on: all.map(({ index }) => `chunk ${index}`),
  };
}

function late({ chunks: all, errorMs }: Timeline): Note | undefined {
  const lags = all.flatMap(({ index, handedMs, arrivedMs, waitingBytes }) =>
    handedMs === undefined ? [] : [{ index, ms: arrivedMs - handedMs, waitingBytes }],
  );
  const worst = lags.toSorted((a, b) => b.ms - a.ms)[0];
  if (worst === undefined || worst.ms < lateMsMin + (errorMs ?? 0)) return undefined;
  return {
    text:
      `This page noted the frame of chunk ${worst.index + 1} ${duration(worst.ms)} after the gateway had handed it over` +
      (worst.waitingBytes === 0
        ? ", with nothing waiting before it: it is the page that was busy, drawing or in another task."
        : `, behind ${plural(worst.waitingBytes, "byte")} that still waited for the page.`),
    term: "event loop",
    references: [rule("G", 8), rule("G", 9)],
    on: [`bytes ${worst.index}`],
  };
}

function follow({ reply, end }: Timeline): Note | undefined {
  if (!reply.sentence.startsWith("Following from line")) return undefined;
  const state = end === "running" ? "It is open, and silence is normal." : "It is over.";
  return {
    text: `A follow has no end of its own: each new line of the history is sent as soon as it is on the disk. ${state}`,
    term: "follow",
    references: [rule("W", 15)],
    on: ["bytes 0", "chunk 0"],
  };
}

function fin({ at, chunks: all }: Timeline): Note | undefined {
  if (at.fin === undefined) return undefined;
  const last = all.at(-1)?.readMs;
  const gap = last === undefined ? "" : ` It was seen ${duration(Math.max(0, at.fin - last))} after the last chunk.`;
  return {
    text: `The server's FIN says that the reply is whole.${gap} (The FIN bit of a WebSocket frame is another thing: it ends a message, not a connection.)`,
    term: "FIN",
    references: [rfc(9293, "3.6"), rule("W", 16)],
    on: ["fin"],
  };
}

function reset({ endReason }: Timeline): Note | undefined {
  if (endReason !== "reset") return undefined;
  return {
    text: "The gateway sent RST, as its plan had it: the connection is gone at once, both ways, and what was on its way may never be read.",
    term: "reset, ABORT",
    references: [rfc(9293, "3.10.5"), rule("G", 11)],
    on: ["reset"],
  };
}

function failure({ failure: failed, reply }: Timeline): Note | undefined {
  if (failed?.code === "reply-timeout" && reply.bytes > 0) return leftOpen;
  return failed && failures[failed.code];
}

const leftOpen: Note = {
  text: "Bytes came, then silence, and no FIN: nothing tells whether the reply is whole. TCP itself has no limit for that; the gateway has.",
  term: "timeout",
  references: [rule("G", 5), rule("G", 7)],
  on: ["failed"],
};

/** A refused connection is spoken of on the way there, where it happened. */
const failures: Partial<Record<Failure["code"], Note>> = {
  "connection-reset": {
    text: "The server's side broke the connection by RST, so whatever came of the reply must not be taken for all of it.",
    term: "reset",
    references: [rfc(9293, "3.5.3"), rule("W", 16)],
    on: ["failed"],
  },
  "connect-timeout": {
    text: "No answer to the SYN, although the kernel repeats it after 1 s and 3 s: a firewall that drops, a machine that is off, or a full backlog.",
    term: "retransmission",
    references: [rfc(9293, "3.8.1"), rule("G", 7)],
    on: ["connect", "failed"],
  },
  "reply-timeout": {
    text: "The connection stood and nothing came. TCP itself has no limit for that; the gateway has.",
    term: "timeout",
    references: [rule("G", 5), rule("G", 7)],
    on: ["failed"],
  },
  "gateway-lost": {
    text: "The WebSocket broke, so this page cannot know how the exchange ended; the gateway cancels it on its side.",
    term: "closing the connection",
    references: [rfc(6455, "7.1.5"), rule("G", 5)],
    on: ["end"],
  },
};
