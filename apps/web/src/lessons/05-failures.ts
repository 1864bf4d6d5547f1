import { duration, plural } from "../ui/format.ts";
import { rfc, type Lesson, type ThreeRuns } from "./lesson.ts";
import type { Facts } from "./facts.ts";

/** Milliseconds after which the page gives up on a service that says nothing. */
const patienceMs = 1000;

type Reported = "all" | "two" | "fewer";

/** True when TCP told of the failure. */
const isReported = ({ failure }: Facts) => failure !== undefined;

function reportedOf(runs: ThreeRuns): Reported {
  const [refused, reset, silent] = runs.map(isReported);
  if (refused && reset) return silent ? "all" : "two";
  return "fewer";
}

function refusedText({ failure, handshakeMs, totalMs }: Facts): string {
  if (failure === "connect-refused") {
    return `Refused: RST answered the SYN, and the gateway knew after ${duration(totalMs)}. There never was a connection.`;
  }
  return handshakeMs === undefined
    ? `The first did not connect in ${duration(totalMs)}, and was not refused.`
    : "Something listens where nothing should: the first connection was established.";
}

function resetText(facts: Facts): string {
  const { handshakeMs = 0, totalMs } = facts;
  if (!isReported(facts)) return `The second ended after ${duration(totalMs)} without a report of RST.`;
  return `Reset: the connection was established after ${duration(handshakeMs)}. RST ended it ${duration(Math.max(0, totalMs - handshakeMs))} later.`;
}

function silentText({ isLeft, receivedBytes, sentBytes, totalMs }: Facts): string {
  if (!isLeft || receivedBytes > 0)
    return `The third ended after ${duration(totalMs)}, with ${plural(receivedBytes, "byte")}.`;
  return `Silent: the kernel took your ${plural(sentBytes, "byte")}, and then nothing came. After ${duration(totalMs)} the page gave up. TCP had reported nothing.`;
}

export const lesson: Lesson<Reported, ThreeRuns> = {
  intro: [
    "A program that talks over a network fails in more ways than one, and the ways do not mean the same.",
    "Run opens three connections and sends a word on each. At the first address nothing listens. The second service takes the connection and aborts it. The third takes it and never answers: the page waits one second and leaves.",
  ],
  orders: () => [
    { name: "Refused", target: "lesson-refused", writes: ["hello\n"], mayFail: true },
    { name: "Reset", target: "lesson-reset", writes: ["hello\n"], mayFail: true },
    {
      name: "Silent",
      target: "lesson-silent",
      writes: ["hello\n"],
      deeds: [{ after: patienceMs, do: "cancel" }],
      mayFail: true,
    },
  ],
  question: "Which of these failures does TCP report to the program by itself?",
  choices: {
    all: ["All three: TCP notices when the other end does not work.", "all three"],
    two: ["The refused and the reset one. Silence is no error.", "the first two"],
    fewer: ["At most one: once connected, trouble shows as silence.", "at most one"],
  },
  answer: reportedOf,
  correct(runs) {
    const reports = runs.map(isReported);
    const told = ["the refused one", "the reset one", "the silent one"].filter((_, at) => reports[at]);
    return `TCP reported ${told.length === 0 ? "none of them" : told.join(" and ")} in your run.`;
  },
  observe: ([refused, reset, silent]) => [
    { text: refusedText(refused), run: 0, mark: { arrows: ["connect", "failed"], name: "the refusal" } },
    { text: resetText(reset), run: 1, mark: { arrows: ["established", "failed"], name: "the reset" } },
    { text: silentText(silent), run: 2, mark: { arrows: ["write 0", "reset"], name: "the silence" } },
  ],
  why: [
    "Refused is the kindest failure: something answered. No program listens on that port, and the kernel of that machine says so with RST. No request arrived, so it is safe to try again.",
    "Reset is RST on an established connection. A program aborted it, or closed it with bytes unread, or its machine has restarted and does not know it. What became of your request is not known.",
    "Silence can mean anything: a slow server, a stuck one, a cable that was cut. TCP does not look whether the other end lives. Bytes without an acknowledgment are repeated for minutes before the kernel gives up.",
    "So each read needs a time limit of your own. And after a reset or a time limit, look what happened before you send the request again.",
  ],
  standards: [
    rfc(9293, "3.5.2", "Reset Generation"),
    rfc(9293, "2.2", "Key TCP Concepts"),
    rfc(9293, "3.8.3", "TCP Connection Failures"),
  ],
};
