import { bytes, count, duration, plural } from "../ui/format.ts";
import { rfc, type Lesson, type OneRun } from "./lesson.ts";
import type { Facts } from "./facts.ts";

/** More than the kernel takes for a reader that does not read: Linux grows a send buffer to 4 MiB. */
const sentText = "x".repeat(8 * 1024 * 1024);

/** The largest window without scaling: 16 bits. */
const windowMax = 65_535;

type Taken = "nothing" | "window" | "more" | "all";

function takenOf([{ sentBytes }]: OneRun): Taken {
  if (sentBytes === 0) return "nothing";
  if (sentBytes >= sentText.length) return "all";
  return sentBytes <= windowMax ? "window" : "more";
}

function takenText([{ sentBytes, writeCount }]: OneRun): string {
  const end = sentBytes < sentText.length ? "Then it took no more" : "Those were all";
  return `The kernel took ${plural(sentBytes, "byte")} of yours, in ${plural(writeCount, "write")}. ${end}.`;
}

function stopText({ writes, totalMs, failure, sentBytes }: Facts): string {
  const lastMs = writes.at(-1)?.ms ?? 0;
  if (sentBytes >= sentText.length)
    return `The kernel had room for everything: the last write was taken after ${duration(lastMs)}.`;
  const quiet = duration(Math.max(0, totalMs - lastMs));
  return failure === "connection-reset"
    ? `Then the kernel took nothing for ${quiet}, and reported no error. The connection stayed established until the service broke it by RST.`
    : `Then the kernel took nothing for ${quiet}, until the stream ended.`;
}

export const lesson: Lesson<Taken, OneRun> = {
  intro: [
    "A program may write faster than another one reads. TCP then holds the writer back, without losing a byte. That is backpressure.",
    `Run connects to a service that accepts and never reads. Your page sends it ${count(sentText.length)} bytes. After two seconds the service breaks the connection. Meanwhile your page can send nothing else.`,
  ],
  orders: () => [{ name: "Your bytes", target: "lesson-stalled", writes: [sentText], mayFail: true }],
  question: "How many of them can the gateway write before its writes stop?",
  choices: {
    nothing: ["None: a write waits until the other program reads.", "none"],
    window: ["At most 64 KiB: what a window of 16 bits can promise.", "at most 64 KiB"],
    more: ["More than 64 KiB, but not all: until the buffers of both ends are full.", "more than 64 KiB, but not all"],
    all: ["All: sending does not depend on reading.", "all"],
  },
  answer: takenOf,
  correct: takenText,
  observe: ([facts]) => {
    const { sentBytes, writeCount, writes } = facts;
    const left = Math.max(0, sentText.length - sentBytes);
    return [
      {
        text: `The kernel took ${plural(sentBytes, "byte")} (${bytes(sentBytes)}) in ${plural(writeCount, "write")}. The last one was done ${duration(writes.at(-1)?.ms ?? 0)} after the gateway began to connect.`,
        run: 0,
        mark: { arrows: ["writes"], name: "the writes" },
      },
      { text: stopText(facts), run: 0, mark: { arrows: ["failed"], name: "the end" } },
      {
        text:
          left === 0
            ? "Nothing waited in the gateway or in your browser."
            : `The other ${plural(left, "byte")} did not get that far. The gateway keeps about 256 KiB, and then stops reading your page. So the rest waited in your browser, and on the way from there.`,
      },
    ];
  },
  why: [
    "A receiver tells with each segment how many more bytes it has room for: the window. When no program reads, the room shrinks, and at zero the sender has to stop. Its own kernel goes on taking bytes until the send buffer is full. Then `write` blocks, or says that it would.",
    "So a successful write says nothing about the reader. The bytes are in a buffer, of the sender or of the receiver. In your run the service had read none of them.",
    "Backpressure travels. A full send buffer stopped the gateway's writes, the gateway stopped reading your page, and the rest stayed in your browser. A program that buffers without a limit breaks this chain, and runs out of memory.",
    "A window of zero is no error. The sender's kernel asks now and then whether there is room, and may do so forever. Only a time limit of your own ends it.",
  ],
  standards: [rfc(9293, "3.8.6", "Managing the Window"), rfc(9293, "3.8.6.1", "Zero-Window Probing")],
};
