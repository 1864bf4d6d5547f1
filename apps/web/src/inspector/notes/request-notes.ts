/** Notes on the way there: the frame, the queue, the connection, the writes, and what ended the message. */

import { encodeText, messageBytesMax, messageSilenceMs } from "@wirebook/protocol";
import { count, duration, plural } from "../../ui/format.ts";
import { frameHeader } from "../frame-header.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { feedOffset, messageEnd, silenceMs, writesHeard } from "./message-end.ts";
import { rfc, rule } from "./note.ts";
import type { Note } from "./note.ts";

/** A shorter wait is the gateway's ordinary work. */
const queueMsMin = 15;

export function requestNotes(story: Timeline): readonly Note[] {
  const all = [frame, queue, connection, writes, end, surplus, tooLong, halfClose];
  return all.map((note) => note(story)).filter((note) => note !== undefined);
}

function frame({ kind, requestBytes }: Timeline): Note {
  const header = frameHeader("sent", "text", requestBytes);
  const what = kind === "raw" ? "the bytes in base64" : "the words";
  return {
    text:
      `The browser put ${what} into one text frame: ${header.bytes} bytes of header, ${count(requestBytes)} of JSON, all of it XORed with a random key. ` +
      "Browsers must do that, lest a page make a cache on the way take its bytes for HTTP.",
    term: "masking",
    references: [rfc(6455, "5.3"), rule("G", 2)],
    on: ["request"],
  };
}

function queue({ at, endedMs, failure }: Timeline): Note | undefined {
  const since = at.received;
  const until = at.connecting ?? (failure?.code === "busy" ? endedMs : undefined);
  if (since === undefined || until === undefined || until - since < queueMsMin) return undefined;
  return {
    text: `It was in the gateway for ${duration(until - since)} before a connection was asked for. Where all connections to the server are in use it waits its turn, first come, first served; otherwise the gateway itself was busy.`,
    term: "queue",
    references: [rule("G", 5)],
    on: ["request", "connect"],
  };
}

function connection({ at, failure }: Timeline): Note | undefined {
  if (at.connecting === undefined) return undefined;
  if (failure?.code === "connect-refused") {
    return {
      text: "Nothing listens on that port, so the server's machine answered the SYN with RST: the quickest no that TCP has.",
      term: "connection refused",
      references: [rfc(9293, "3.10.7.1")],
      on: ["connect", "failed"],
    };
  }
  if (at.established === undefined) return undefined;
  return {
    text:
      `A connection for this message alone: three segments, ${duration(at.established - at.connecting)}. ` +
      "The kernels do that; the server's program need not even be awake.",
    term: "three-way handshake",
    references: [rfc(9293, "3.5"), rule("W", 1)],
    on: ["connect", "established"],
  };
}

function writes({ writes: all, plan }: Timeline): Note | undefined {
  if (all.length < 2 || plan === undefined) return undefined;
  return {
    text:
      `The gateway wrote the message in ${count(all.length)} pieces, each a segment of its own, since Nagle's algorithm is off. ` +
      "The server cannot see where they were cut: TCP is a stream and keeps no boundaries.",
    term: "byte stream, TCP_NODELAY",
    references: [rfc(9293, "2.2"), rfc(9293, "3.7.4"), rule("W", 2)],
    on: ["writes", ...all.map(({ index }) => `write ${index}`)],
  };
}

function end(story: Timeline): Note | undefined {
  const { at } = story;
  const last = writesHeard(story).at(-1);
  if (last === undefined) return undefined;
  const silence = silenceMs(story);
  const on = [`write ${last.index}`];
  switch (messageEnd(story)) {
    case "newline":
      return {
        text: "The line feed (0a) says that the message is whole; without it the server would have to wait.",
        term: "line feed",
        references: [rule("W", 2)],
        on,
      };
    case "silence":
      return {
        text:
          `No line feed and no FIN had come: the server could not know that this was all. The answer began ${duration(silence ?? 0)} after the last byte. ` +
          `${messageSilenceMs} ms of silence end a message, unless it deletes; then only a line feed or FIN does.`,
        term: "silence",
        references: [rule("W", 5), rule("W", 6)],
        on: [...on, "chunk 0"],
      };
    case "fin":
    case "closed":
    case "open":
      return at.ended === undefined && story.end === "running"
        ? {
            text: "Nothing has ended the message yet, so the server waits for more.",
            term: "unterminated message",
            references: [rule("W", 2), rule("W", 6)],
            on,
          }
        : undefined;
  }
}

function halfClose({ at, reply }: Timeline): Note | undefined {
  if (at.ended === undefined) return undefined;
  const then =
    reply.bytes > 0
      ? "The other direction stayed open, and the reply came through it."
      : "The other direction stays open.";
  return {
    text: `The gateway sent FIN behind the message: no more will come from here. ${then}`,
    term: "half-close",
    references: [rfc(9293, "3.6.1"), rule("G", 6), rule("W", 2)],
    on: ["ended"],
  };
}

function surplus(story: Timeline): Note | undefined {
  const feed = feedOffset(story);
  const behind = feed === undefined ? 0 : story.messageBytes - feed - 1;
  if (behind <= 0) return undefined;
  return {
    text: `${plural(behind, "byte")} came behind the first line. The server reads and ignores them, so that closing does not become a reset.`,
    term: "lingering",
    references: [rule("W", 2), rule("W", 17)],
    on: [`write ${story.writes.length - 1}`],
  };
}

function tooLong(story: Timeline): Note | undefined {
  const line = encodeText(story.message.split("\n", 1)[0] ?? "").length;
  if (line <= messageBytesMax) return undefined;
  return {
    text: `The line has ${count(line)} bytes; a server reads at most ${count(messageBytesMax)}.`,
    term: "limit",
    references: [rule("W", 3)],
    on: [`write ${story.writes.length - 1}`],
  };
}
