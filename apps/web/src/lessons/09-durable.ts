import { duration, plural } from "../ui/format.ts";
import { posix, rfc, type Lesson, type TwoRuns } from "./lesson.ts";
import type { Facts } from "./facts.ts";

type Sign = "write" | "reply" | "neither";

/** Which sign told the server, which reads, from the service that does not. */
function signOf([server, unread]: TwoRuns): Sign {
  if (unread.sentBytes === 0 && server.sentBytes > 0) return "write";
  return server.receivedBytes > 0 && unread.receivedBytes === 0 ? "reply" : "neither";
}

function cameOf({ sentBytes, receivedBytes }: Facts): string {
  return `the kernel took ${plural(sentBytes, "byte")}, and ${plural(receivedBytes, "byte")} came back`;
}

function bothText([server, unread]: TwoRuns): string {
  return `Where no program read, ${cameOf(unread)}. On the stream to the server, ${cameOf(server)}.`;
}

function writeOf({ writes: [first] }: Facts): string {
  return first === undefined
    ? "the kernel did not take the line"
    : `the kernel took the line ${duration(first.ms)} after the gateway began to connect`;
}

function replyText({ waitMs, receivedBytes }: Facts): string {
  if (waitMs === undefined || receivedBytes === 0) return "The server sent no reply in this run.";
  return `The reply came ${duration(waitMs)} after the write. In this time the server read the line, appended it to its history, waited until that was durable, and answered. The stream shows the sum, not the parts.`;
}

export const lesson: Lesson<Sign, TwoRuns> = {
  intro: [
    "A program writes a line to a server, and `write` succeeds. Is the line safe now, even if the server loses its power?",
    "Run sends a line to the Wirebook server, which keeps each line in its history, and a line to a service that never reads. That service breaks its connection after two seconds.",
  ],
  orders: (user) => [
    { name: "Server", target: "wirebook", writes: [`${user} 2 -1\n`] },
    { name: "Never reads", target: "lesson-stalled", writes: ["keep this\n"], mayFail: true },
  ],
  question: "One of the two has kept your line. What tells you which?",
  choices: {
    write: ["The write: the kernel takes bytes only for a program that reads them.", "the write"],
    reply: ["The reply: until it comes, both streams look the same.", "the reply"],
    neither: ["Nothing: a stream does not show it.", "nothing"],
  },
  answer: signOf,
  correct: bothText,
  observe: ([server, unread]) => [
    {
      text: `Where no program read, ${writeOf(unread)}. ${unread.receivedBytes === 0 ? "Nothing came back, and the line is lost." : "Bytes came back nevertheless."}`,
      run: 1,
      mark: { arrows: ["write 0", "failed"], name: "the write" },
    },
    {
      text: `On the stream to the server, ${writeOf(server)}.`,
      run: 0,
      mark: { arrows: ["write 0"], name: "the write" },
    },
    { text: replyText(server), run: 0, mark: { arrows: ["write 0", "read 0"], name: "the write and the reply" } },
  ],
  why: [
    "“Written” means that the sender's own kernel has copied the bytes. Four steps are missing: they arrive at the other machine, its program reads them, it writes them into a file, and the disk has them. Even the acknowledgment of TCP stands for the first of these alone.",
    "Writing into a file is the same once more. The kernel keeps the bytes in memory, and writes them to the disk later. `fsync` waits for that. A program that answers before that confirms lines that a power failure can still take away.",
    "What you saw: one write was followed by a reply, the other was not. What you are told: the Wirebook server replies only when the line is on disk, or with NATS, when the cluster has confirmed it. Its tests cut a disk off in the middle of the work, and check that each line with a reply is there. A client cannot see this. It can only count on no line before its reply.",
  ],
  standards: [rfc(9293, "3.9.1.2", "Send"), posix("fsync")],
};
