import { duration, plural } from "../ui/format.ts";
import { sizes } from "./facts.ts";
import { rfc, type Lesson, type OneRun } from "./lesson.ts";

/** The three parts of the exchange, one after the other. */
function partsOf([{ handshakeMs = 0, waitMs = 0, restMs = 0 }]: OneRun) {
  return { handshake: handshakeMs, wait: waitMs, rest: restMs };
}

type Part = keyof ReturnType<typeof partsOf>;

const names: Readonly<Record<Part, string>> = {
  handshake: "the handshake",
  wait: "the wait for the first byte",
  rest: "the rest of the reply",
};

function longestOf(runs: OneRun): Part {
  const parts = partsOf(runs);
  const [longest = "handshake"] = (Object.keys(parts) as Part[]).toSorted((a, b) => parts[b] - parts[a]);
  return longest;
}

export const lesson: Lesson<Part, OneRun> = {
  intro: [
    "Before the first byte of a message can travel, two machines agree on a connection: SYN, then SYN and ACK, then ACK. Their kernels do that by themselves.",
    "Run sends one line to the Wirebook server. The gateway connects, writes the line, and reads the reply to its end. This server takes one line on each connection.",
  ],
  orders: (user) => [{ name: "Your line", target: "wirebook", writes: [`${user} 2 -3\n`] }],
  question: "Three things take time, one after the other. Which one takes longest here?",
  choices: {
    handshake: ["The handshake, before any byte of the line.", names.handshake],
    wait: ["The wait from the line to the first byte of the reply.", names.wait],
    rest: ["The rest of the reply, from its first byte to its end.", names.rest],
  },
  answer: longestOf,
  correct(runs, predicted) {
    const parts = partsOf(runs);
    const longest = longestOf(runs);
    return `Yours took ${duration(parts[predicted])}. The longest was ${names[longest]}: ${duration(parts[longest])}.`;
  },
  observe: (runs) => {
    const [{ reads, readCount }] = runs;
    const { handshake, wait, rest } = partsOf(runs);
    const allMs = handshake + wait + rest;
    const share = allMs === 0 ? 0 : Math.round((100 * handshake) / allMs);
    return [
      {
        text: `Your handshake took ${duration(handshake)}, ${share} % of the three together.`,
        run: 0,
        mark: { arrows: ["connect", "established"], name: "the handshake" },
      },
      {
        text: `The first byte of the reply came ${duration(wait)} after the line was written.`,
        run: 0,
        mark: { arrows: ["write 0", "read 0"], name: "the wait" },
      },
      {
        text: `The reply came in ${plural(readCount, "read")} (${sizes(reads)}). Its end came ${duration(rest)} after its first byte.`,
        run: 0,
        mark: { arrows: ["reads", "fin"], name: "the reply" },
      },
    ];
  },
  why: [
    "A handshake costs one round trip. SYN goes there, SYN and ACK come back, and only then may a program send. The third segment costs no time of its own, because the first bytes follow it at once.",
    "On one machine a round trip takes a fraction of a millisecond. Between two continents it takes 70 to 300 ms, and no faster server changes that. The line and its reply need a second round trip.",
    "A program that connects for each request pays this for each request. So browsers keep connections open, and programs keep a pool of them.",
    "All times are the gateway's. It notes when its kernel tells it something, so a busy gateway may note a handshake late.",
  ],
  standards: [rfc(9293, "3.5", "Establishing a Connection")],
};
