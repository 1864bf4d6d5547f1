import { count, duration, plural } from "../ui/format.ts";
import { posix, type Lesson, type Runs } from "./lesson.ts";

/** Milliseconds of each run from the first connect of all until its first byte came; `undefined` where none came. */
function waitsOf(runs: Runs): readonly (number | undefined)[] {
  const beginMs = Math.min(...runs.map(({ startMs }) => startMs));
  return runs.map(({ startMs, reads: [first] }) => first && startMs + first.ms - beginMs);
}

/** How many were answered before the third or with it: so many turns it waited. */
function turnsOf(runs: Runs): number {
  const waits = waitsOf(runs);
  const third = waits[2];
  return third === undefined ? 0 : waits.filter((wait) => wait !== undefined && wait <= third).length;
}

/** By the number of turns; without an answer there was none. */
const names = ["one", "one", "two", "three", "four"] as const;

function thirdText(runs: Runs): string {
  const third = waitsOf(runs)[2];
  if (third === undefined) return "Your third exchange got no answer.";
  return `Your third exchange waited ${duration(third)}, which was ${plural(turnsOf(runs), "turn")}.`;
}

function listed(values: readonly (number | undefined)[]): string {
  return values.map((value) => (value === undefined ? "no answer" : duration(value))).join(", ");
}

export const lesson: Lesson<(typeof names)[number]> = {
  intro: [
    "Many servers do one thing at a time: a database that writes, a printer, a program with one thread. Their clients queue.",
    "Run opens four connections at once to such a service, and sends one line on each. The service accepts them all. It works 300 ms on each line, and serves one connection after the other.",
  ],
  orders: () =>
    [1, 2, 3, 4].map((number) => ({ name: `Exchange ${number}`, target: "lesson-queue", writes: ["next\n"] })),
  question: "How long does the third exchange wait for its answer?",
  choices: {
    one: ["One turn: its connection is accepted at once, like the first.", "one turn"],
    two: ["Two turns: one of another, and its own.", "two turns"],
    three: ["Three turns: two of others, and its own.", "three turns"],
    four: ["Four turns: all must be done before any answer goes out.", "four turns"],
  },
  answer: (runs) => names[turnsOf(runs)] ?? "four",
  correct: thirdText,
  observe: (runs) => {
    const waits = waitsOf(runs);
    const connected = runs.map(({ handshakeMs }) => handshakeMs).filter((ms) => ms !== undefined);
    const known = waits.filter((wait) => wait !== undefined).toSorted((a, b) => a - b);
    const turns = known.map((wait, at) => wait - (known[at - 1] ?? 0));
    return [
      {
        text: `The answers came after ${listed(waits)}.`,
        run: 2,
        mark: { arrows: ["write 0", "read 0"], name: "the wait" },
      },
      {
        text: `The turns took ${turns.length === 0 ? "no time that is known" : listed(turns)}. Each wait is the sum of the turns up to its own.`,
        run: 3,
        mark: { arrows: ["write 0", "read 0"], name: "the wait" },
      },
      {
        text:
          connected.length === 0
            ? "No connection was established."
            : `${count(connected.length)} of ${count(runs.length)} connections were established, the slowest after ${duration(Math.max(...connected))}. Being connected is not being served.`,
        run: 2,
        mark: { arrows: ["connect", "established"], name: "the handshake" },
      },
    ];
  },
  why: [
    "A queue adds up. The nth client waits for n turns, although the server works as fast as before. So the average wait grows with the number of clients, and the last one waits longest.",
    "From outside this looks like a slow server. The handshake shows nothing of it: the kernel completes it, and keeps the connection in a queue until the program accepts it. `listen()` takes a number for the length of that queue. This service accepts at once and has a queue of its own, which looks the same.",
    "The cure is more workers, shorter turns, or a limit. A server that refuses when its queue is full gives its clients an answer while they still wait for one. This gateway does that: its own queue is bounded, and a stream that waits too long gets `busy`.",
  ],
  standards: [posix("listen")],
};
