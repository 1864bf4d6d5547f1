import { plural } from "../ui/format.ts";
import { sizes, type Facts } from "./facts.ts";
import { rfc, type Lesson, type TwoRuns } from "./lesson.ts";

/** Bytes that the first reader takes at once, and milliseconds that the second one sleeps. */
const smallReadBytes = 64;
const sleepMs = 1000;

function describe(name: string, { writeCount, writes, readCount, reads }: Facts): string {
  return `${name}: ${plural(writeCount, "write")} (${sizes(writes)}). The reply came in ${plural(readCount, "read")} (${sizes(reads)}).`;
}

export const lesson: Lesson<"second" | "same" | "first", TwoRuns> = {
  intro: [
    "A program writes to a connection, and a program at the other end reads. It is tempting to think that one write arrives as one read.",
    `Run sends the same line twice. Stream 1 sends it in one write, and its reader takes at most ${smallReadBytes} bytes at a time. Stream 2 sends it in three writes, and its reader sleeps for one second before it reads.`,
  ],
  orders: (user) => [
    {
      name: "Stream 1",
      target: "wirebook",
      writes: [`${user} 2 -3\n`],
      read: { afterMs: 0, bytes: smallReadBytes, everyMs: 0 },
    },
    {
      name: "Stream 2",
      target: "wirebook",
      writes: [`${user} `, "2 -", "3\n"],
      gapMs: 50,
      read: { afterMs: sleepMs, bytes: 65_536, everyMs: 0 },
    },
  ],
  question: "In which stream does the reply come in more reads?",
  choices: {
    second: ["Stream 2: three writes make more reads than one.", "stream 2"],
    same: ["Both the same: each has one line and one reply.", "both the same"],
    first: ["Stream 1: small reads make many of them.", "stream 1"],
  },
  answer([one, other]) {
    const more = other.readCount - one.readCount;
    return more > 0 ? "second" : more < 0 ? "first" : "same";
  },
  correct: ([one, other]) =>
    `The reply of your stream 1 came in ${plural(one.readCount, "read")}, that of stream 2 in ${plural(other.readCount, "read")}.`,
  observe: ([one, other]) => {
    const late =
      other.readCount === 1
        ? "One read of stream 2 took all that had arrived while the reader slept. How often the server wrote does not show in it."
        : "What had not arrived when the reader of stream 2 woke up took further reads.";
    return [
      { text: describe("Stream 1", one), run: 0, mark: { arrows: ["writes", "reads"], name: "writes and reads" } },
      { text: describe("Stream 2", other), run: 1, mark: { arrows: ["writes", "reads"], name: "writes and reads" } },
      { text: late, run: 1, mark: { arrows: ["reads"], name: "the reads" } },
    ];
  },
  why: [
    "TCP carries a stream of bytes, in order, without boundaries. One write can arrive in several reads, and several writes in one. A read returns what has arrived, up to the size that the reader asks for.",
    "The server reads until the line feed. It cannot see whether a line was written in one piece or in three.",
    "Between two programs on one machine, small writes often arrive just as they were written. So a program that takes one read for one message passes its tests, and breaks on a slow link or a busy machine.",
    "A protocol therefore has to say where a message ends. That is the next lesson.",
  ],
  standards: [rfc(9293, "2.2", "Key TCP Concepts"), rfc(9293, "3.9.1.2", "Send")],
};
