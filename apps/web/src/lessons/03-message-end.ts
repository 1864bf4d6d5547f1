import { messageSilenceMs } from "@wirebook/protocol";
import { duration } from "../ui/format.ts";
import { rfc, type Lesson, type ThreeRuns } from "./lesson.ts";
import type { Facts } from "./facts.ts";

/** So much later than both others is late, in milliseconds: a busy machine delays each answer a little. */
const lateMs = messageSilenceMs / 2;

type End = "never" | "late" | "same";

/** What became of the third. */
function endOf([feed, fin, nothing]: ThreeRuns): End {
  if (nothing.receivedBytes === 0) return "never";
  const others = Math.max(feed.waitMs ?? 0, fin.waitMs ?? 0);
  return (nothing.waitMs ?? 0) >= others + lateMs ? "late" : "same";
}

function answerOf({ receivedBytes, totalMs, waitMs = 0 }: Facts): string {
  return receivedBytes === 0 ? `did not come in ${duration(totalMs)}` : `came ${duration(waitMs)} after the last byte`;
}

export const lesson: Lesson<End, ThreeRuns> = {
  intro: [
    "TCP delivers bytes. Whether those bytes are a complete message is for the protocol to say, and a server that guesses wrong acts on half a message.",
    "Run opens three connections with the same words. The first ends them with a line feed. The second sends no line feed but FIN, which says that no more bytes follow. The third sends nothing more, and leaves its direction open.",
  ],
  orders: (user) => [
    { name: "Line feed", target: "wirebook", writes: [`${user} 2 -1\n`] },
    { name: "FIN", target: "wirebook", writes: [`${user} 2 -1`], end: true },
    { name: "Nothing", target: "wirebook", writes: [`${user} 2 -1`] },
  ],
  question: "What becomes of the third?",
  choices: {
    never: ["It gets no answer: the server cannot know that the line is complete.", "no answer"],
    same: ["It gets its answer as fast as the others: all the words are there.", "as fast as the others"],
    late: ["It gets its answer, but clearly later than the others.", "later than the others"],
  },
  answer: endOf,
  correct(runs) {
    const busy =
      " The machine was busy in this run: the others waited as well, so the rule does not show. Press Again.";
    return `The answer to your third stream ${answerOf(runs[2])}.${endOf(runs) === "same" ? busy : ""}`;
  },
  observe: (runs) => {
    const marks = [
      { arrows: ["write 0", "read 0"], name: "line feed and answer" },
      { arrows: ["ended", "read 0"], name: "FIN and answer" },
      { arrows: ["write 0", "read 0"], name: "silence and answer" },
    ];
    const ends = ["a line feed", "FIN", "neither"];
    const answers = runs.map(answerOf);
    const each = marks.map((mark, run) => ({
      text: `With ${ends[run] ?? ""}, the answer ${answers[run] ?? ""}.`,
      run,
      mark,
    }));
    const rule = {
      late: `This server takes ${messageSilenceMs} ms without a byte for the end of a line. Your third stream had to wait for that.`,
      same: `This server takes ${messageSilenceMs} ms without a byte for the end of a line. In this run all three waited about as long, because the machine was busy. Press Again to see the difference.`,
      never: "This server waits for a line feed or FIN, and no answer came before the page left.",
    };
    return [...each, { text: rule[endOf(runs)] }];
  },
  why: [
    "A protocol marks the end of a message in one of three ways. A mark behind it, such as the line feed here and CRLF in SMTP. A length before it, such as `Content-Length` in HTTP. Or the end of the stream, FIN.",
    `Silence is no mark, it is a guess. This server guesses after ${messageSilenceMs} ms, for clients that forget the line feed. On a slow link the rest of a line can be later than that.`,
    "So it never guesses where a wrong guess does harm. A line that deletes, such as `brick 1 12`, must end with a line feed or FIN. Otherwise a pause after `brick 1 1` would delete the wrong line.",
  ],
  standards: [rfc(5321, "2.3.8", "Lines"), rfc(9112, "6.3", "Message Body Length")],
};
