import { duration, plural } from "../ui/format.ts";
import { sizes, type Facts } from "./facts.ts";
import { rfc, type Lesson, type TwoRuns } from "./lesson.ts";

/** Milliseconds for which the page listens to the echo, and says nothing itself. */
const listenMs = 1000;

type First = "none" | "one" | "both";

function firstOf(runs: TwoRuns): First {
  const count = runs.filter(({ isTargetFirst }) => isTargetFirst).length;
  return count === 0 ? "none" : count === 1 ? "one" : "both";
}

/** Bytes of the first read, if it came before the page had sent any. */
function bytesBefore({ isTargetFirst, reads: [first] }: Facts): number {
  return isTargetFirst && first !== undefined ? first.bytes : 0;
}

function beforeText([greeter, echo]: TwoRuns): string {
  const [one, other] = [bytesBefore(greeter), bytesBefore(echo)];
  return `Before your page had sent anything, ${plural(one, "byte")} came on stream 1, and ${plural(other, "byte")} on stream 2.`;
}

function greetingText({ isTargetFirst, reads: [first] }: Facts): string {
  if (first === undefined) return "Stream 1 brought nothing.";
  const order = isTargetFirst ? "before the page had written a byte" : "after the page had written";
  return `The first read of stream 1 had ${plural(first.bytes, "byte")}. It came ${duration(first.ms)} after the gateway began to connect, ${order}.`;
}

function talkText({ writes, reads }: Facts): string {
  return `After that they took turns: ${plural(writes.length, "write")} of yours (${sizes(writes)}), ${plural(reads.length, "read")} in all (${sizes(reads)}).`;
}

function echoText({ totalMs, receivedBytes }: Facts): string {
  if (receivedBytes > 0) return `Stream 2 brought ${plural(receivedBytes, "byte")}, though the page had sent nothing.`;
  return `Stream 2 stayed silent until the page ended it, after ${duration(totalMs)}. The service waited for the client.`;
}

export const lesson: Lesson<First, TwoRuns> = {
  intro: [
    "TCP gives two programs a connection. It does not say which of them begins to talk.",
    "Run connects to two services and sends nothing. Stream 1 leads to one that behaves like a mail server. If it greets, the page answers `EHLO`, and then `QUIT`. Stream 2 leads to an echo, and the page ends it after one second.",
  ],
  orders: () => [
    {
      name: "Stream 1",
      target: "lesson-greeter",
      writes: [],
      deeds: [
        { after: "reply", send: "EHLO wirebook.example\r\n" },
        { after: "reply", send: "QUIT\r\n" },
      ],
    },
    { name: "Stream 2", target: "lesson-echo", writes: [], deeds: [{ after: listenMs, do: "end" }] },
  ],
  question: "Your page has connected to both, and says nothing. Who speaks?",
  choices: {
    none: ["Neither service: a server answers only when it is asked.", "neither"],
    both: ["Both: a server greets whoever connects.", "both"],
    one: ["One of them: it depends on the protocol.", "one of them"],
  },
  answer: firstOf,
  correct: beforeText,
  observe: ([greeter, echo]) => [
    { text: greetingText(greeter), run: 0, mark: { arrows: ["read 0"], name: "the greeting" } },
    { text: talkText(greeter), run: 0, mark: { arrows: ["writes", "reads"], name: "the conversation" } },
    { text: echoText(echo), run: 1, mark: { arrows: ["established", "ended"], name: "the silence" } },
  ],
  why: [
    "The protocol says who begins. In SMTP, FTP and MySQL the server does. In HTTP, TLS and Redis the client does, and the server waits. The Wirebook server waits as well. In SSH both begin at once.",
    "A client that waits where it should speak, in front of a server that waits too, hangs without an error. So when nothing comes, first ask whose turn it is.",
    "A client of SMTP should wait for the greeting. A program that sends at once is often one that sends spam, and some servers refuse it for that. A proxy that looks at the client's first bytes to choose a server must wait forever where the server speaks first.",
  ],
  standards: [rfc(5321, "4.3.1", "Sequencing Overview")],
};
