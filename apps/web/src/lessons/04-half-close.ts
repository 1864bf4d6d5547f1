import { count, duration, plural } from "../ui/format.ts";
import { rfc, type Lesson, type TwoRuns } from "./lesson.ts";
import type { Facts } from "./facts.ts";

type Result = "whole" | "nothing" | "part";

/** What came back on the stream that was half-closed. */
function resultOf([, fin]: TwoRuns): Result {
  if (fin.receivedBytes === 0) return "nothing";
  return fin.fins.includes("target") && fin.failure === undefined ? "whole" : "part";
}

function closing({ fins }: Facts): string {
  if (fins[0] === "target")
    return "The server sent FIN first in stream 1, when its reply was out. That FIN says: the reply is complete.";
  if (fins[0] === "gateway") return "The gateway sent FIN first in stream 1.";
  return "Stream 1 ended without a FIN.";
}

function after({ bytesAfterOwnFin, receivedBytes, readCount }: Facts): string {
  if (receivedBytes === 0) return "Nothing came on stream 2 after the gateway's FIN.";
  if (bytesAfterOwnFin === receivedBytes) {
    return `All ${count(receivedBytes)} bytes of the reply on stream 2 came after the gateway had sent FIN, in ${plural(readCount, "read")}.`;
  }
  return `Of the ${plural(receivedBytes, "byte")} on stream 2, ${count(bytesAfterOwnFin)} came after the gateway noted its FIN.`;
}

function both({ fins, totalMs }: Facts): string {
  if (fins.length < 2) return `Stream 2 ended after ${duration(totalMs)}, with ${plural(fins.length, "FIN")}.`;
  const [first, second] = fins[0] === "gateway" ? ["the gateway's", "the server's"] : ["the server's", "the gateway's"];
  return `Two FINs ended stream 2: ${first}, and then ${second}. It took ${duration(totalMs)} in all.`;
}

export const lesson: Lesson<Result, TwoRuns> = {
  intro: [
    "A TCP connection carries two streams, one in each direction. FIN is the segment that ends one of them.",
    "Run sends the same words on two connections. Stream 1 ends them with a line feed. Stream 2 has no line feed: the gateway sends FIN right behind the last word, and goes on reading.",
  ],
  orders: (user) => [
    { name: "Stream 1", target: "wirebook", writes: [`${user} 2 -1\n`] },
    { name: "Stream 2", target: "wirebook", writes: [`${user} 2 -1`], end: true, mayFail: true },
  ],
  question: "The gateway has closed its direction of stream 2 before the server answers. What comes back?",
  choices: {
    nothing: ["Nothing: the connection is closed.", "nothing"],
    part: ["A part of the reply, until the server notices.", "a part of the reply"],
    whole: ["The whole reply: FIN closes one direction only.", "the whole reply"],
  },
  answer: resultOf,
  correct([, fin]) {
    const end = fin.fins.includes("target") ? "and then the server's own FIN" : "and no FIN from the server";
    return `Your stream 2 brought ${plural(fin.receivedBytes, "byte")}, ${end}.`;
  },
  observe: ([feed, fin]) => [
    { text: after(fin), run: 1, mark: { arrows: ["ended", "reads"], name: "FIN and what came after it" } },
    { text: both(fin), run: 1, mark: { arrows: ["ended", "fin"], name: "the FINs" } },
    { text: closing(feed), run: 0, mark: { arrows: ["fin", "ended"], name: "the FINs" } },
  ],
  why: [
    "FIN means: no more bytes from me. The other direction stays open until it has a FIN of its own. Between the two the connection is half-closed.",
    "So FIN behind a request is a clean way to say that it is complete. `nc -N` does that when its input ends. In a program it is `shutdown(SHUT_WR)`, or `socket.end()` in Node. `close()` gives up both directions.",
    "Not every server is ready for it. A Node server without `allowHalfOpen` ends its own direction as soon as it reads a FIN, and a reply that is not written by then is lost.",
    "Who sends FIN first keeps the connection in TIME-WAIT for a while, one minute on Linux. Servers therefore like it when the client closes first.",
  ],
  standards: [rfc(9293, "3.6", "Closing a Connection"), rfc(9293, "3.6.1", "Half-Closed Connections")],
};
