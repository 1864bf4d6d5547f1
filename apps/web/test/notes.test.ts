import { describe, expect, test } from "vitest";
import { notesOf } from "../src/inspector/notes/notes.ts";
import { summarize } from "../src/inspector/notes/summary.ts";
import { messageEnd } from "../src/inspector/notes/message-end.ts";
import type { Timeline } from "../src/inspector/timeline/timeline.ts";
import { timeline, writesAt } from "./exchange-samples.ts";

const terms = (of: Timeline) => notesOf(of).map(({ term }) => term);
const textOf = (of: Timeline, term: string) => notesOf(of).find((note) => note.term === term)?.text ?? "";

const silent: Timeline = {
  ...timeline,
  message: "brick 2",
  messageBytes: 7,
  writes: [{ index: 0, offset: 0, bytes: 7, ms: 1.6, isNoted: true }],
  at: { ...timeline.at, firstByte: 253.6, fin: 253.8, closed: 253.9 },
};
const overtaken: Timeline = {
  ...silent,
  message: "brick 2\n",
  messageBytes: 8,
  writes: [
    { index: 0, offset: 0, bytes: 7, ms: 1.6, isNoted: true },
    { index: 1, offset: 7, bytes: 1, ms: 253.7, isNoted: true },
  ],
};
const refused: Timeline = {
  ...timeline,
  reply: { ...timeline.reply, answer: "refused", sentence: 'Error: "9" is no operation; type 1, 2, 3 or 5' },
};
const waiting: Timeline = {
  ...silent,
  at: { received: 1, connecting: 1.1, established: 1.5, written: 1.6 },
  reads: [],
  reply: { bytes: 0, reads: 0, responseOffset: undefined, hasReplyHeader: false, answer: "accepted", sentence: "" },
  endedMs: undefined,
  end: "running",
  endReason: undefined,
};
const reset: Timeline = {
  ...waiting,
  at: { ...waiting.at, closed: 9 },
  endedMs: 9.5,
  end: "end",
  endReason: "reset",
};

const failed = (code: "connect-refused" | "connection-reset" | "connect-timeout" | "reply-timeout") =>
  terms({ ...waiting, end: "error", endedMs: 3, failure: { hop: "gateway-server", code, message: "" } });

describe("what ended a message", () => {
  test.each<[string, Timeline, string]>([
    ["its line feed", timeline, "newline"],
    ["silence, when an answer came without any other end", silent, "silence"],
    ["a half-close behind it", { ...silent, at: { ...silent.at, ended: 1.7 } }, "fin"],
    ["nothing, when the half-close came behind the answer", { ...silent, at: { ...silent.at, ended: 300 } }, "silence"],
    ["nothing yet", waiting, "open"],
    ["nothing, and the connection is gone", reset, "closed"],
  ])("is %s", (_, of, expected) => {
    expect(messageEnd(of)).toBe(expected);
  });

  test("is no line feed that was never written", () => {
    const cut = { ...reset, message: "brick 2\n", messageBytes: 8, writes: writesAt(1.6, 1.7) };
    expect(messageEnd(cut)).toBe("closed");
  });

  test("is silence when the line feed was written only after the answer had begun", () => {
    expect(messageEnd(overtaken)).toBe("silence");
    const [first] = overtaken.writes;
    expect(messageEnd({ ...timeline, writes: [{ ...first, ms: 3.1, bytes: 8 }] as Timeline["writes"] })).toBe(
      "newline",
    );
  });
});

describe("the summary", () => {
  test.each<[string, Timeline, RegExp]>([
    ["an ordinary message", timeline, /^The message was carried out and answered\.$/],
    ["a message that silence ended", silent, /^Silence of 250 ms ended the message, because no line feed came/],
    [
      "a message that silence ended, whose write was noted late",
      { ...silent, writes: [{ ...silent.writes[0], ms: 200 }] as Timeline["writes"] },
      /^Silence of 250 ms ended the message/,
    ],
    [
      "an answer that came sooner than after a silence, to a late write",
      {
        ...silent,
        plan: [{ afterMs: 200, bytes: 7 }],
        writes: [{ ...silent.writes[0], ms: 202 }] as Timeline["writes"],
      },
      /^The message did not end, but the server answered\./,
    ],
    [
      "pieces that were joined",
      { ...timeline, writes: writesAt(1.6, 1.7, 1.8, 1.9, 2, 2.1, 2.2, 2.3) },
      /^The server joined 8 writes/,
    ],
    [
      "a piece that came behind the answer",
      overtaken,
      /^Silence of 250 ms.+ 1 byte came too late and was ignored\. It/,
    ],
    ["a refusal", refused, /^The message was refused: "9" is no operation; type 1, 2, 3 or 5\.$/],
    [
      "text behind the line",
      { ...timeline, message: "brick 2\nx", messageBytes: 9 },
      /The server ignored the bytes after it/,
    ],
    ["a message without an answer so far", waiting, /has not answered yet/],
    ["a reset before the end", reset, /before the message ended, so the server did nothing/],
    ["a reset before the first byte", { ...reset, writes: [] }, /before the first byte/],
    [
      "a reset behind a whole message",
      { ...reset, message: "brick 2\n", messageBytes: 8, writes: timeline.writes },
      /The message ended before the reset, so it may have been carried out/,
    ],
    [
      "a delete that nothing ended",
      {
        ...silent,
        message: "brick 1 1",
        at: { ...silent.at, firstByte: 10_003, fin: 10_004 },
        reply: {
          ...refused.reply,
          sentence:
            "Error: a message that deletes must end with a newline, and none came within 10000 ms; nothing was deleted",
        },
      },
      /^The message did not end within 10 s\. It was refused: a message that deletes must end with a newline/,
    ],
    [
      "an unauthenticated user",
      { ...timeline, reply: { ...timeline.reply, answer: "unauthenticated" } },
      /requires a key for this user, or the key is wrong/,
    ],
  ])("on %s", (_, of, expected) => {
    expect(summarize(of)).toMatch(expected);
  });

  test("on an ordinary message says first which line of the history it is", () => {
    expect(summarize(timeline, 1234)).toBe(
      "The message is line 1,234 of the history. It was carried out and answered.",
    );
    expect(summarize(refused, 7)).toMatch(/^The message is line 7 of the history\. It was refused: "9"/);
  });

  test("on a follow does not claim that nothing ended its message", () => {
    const at = { received: 1, connecting: 1.1, established: 1.5 };
    const follow = { ...timeline, at, end: "running", endReason: undefined, endedMs: undefined } as const;
    expect(summarize(follow)).toBe("The reply is still coming.");
    expect(summarize({ ...follow, writes: [], plan: [{ afterMs: 0, bytes: 8 }] })).toBe("The reply is still coming.");
  });

  test("leaves a failure to the sentence that the gateway has for it", () => {
    const failure = { hop: "gateway-server", code: "connection-reset", message: "broke" } as const;
    expect(summarize({ ...timeline, failure })).toBe("");
  });
});

describe("the notes", () => {
  test("of an ordinary exchange follow the message to the server and back", () => {
    expect(terms(timeline)).toEqual(["masking", "three-way handshake", "line feed", "durability", "header", "FIN"]);
  });

  test("name each rule or section, and arrows of the timeline", () => {
    for (const { references, on, text } of notesOf(timeline)) {
      expect(references.length).toBeGreaterThan(0);
      expect(on.length).toBeGreaterThan(0);
      expect(text).toMatch(/\.\)?$/);
    }
  });

  test("say how long an exchange waited in the queue, and nothing of a wait that was none", () => {
    expect(textOf({ ...timeline, at: { ...timeline.at, connecting: 41 } }, "queue")).toContain("40.0 ms");
    expect(terms(timeline)).not.toContain("queue");
  });

  test("say that a message in pieces was one stream", () => {
    const plan = Array.from({ length: 8 }, () => ({ afterMs: 1, bytes: 1 }));
    const text = textOf({ ...timeline, plan, writes: writesAt(1, 2, 3, 4, 5, 6, 7, 8) }, "byte stream, TCP_NODELAY");
    expect(text).toContain("in 8 pieces");
  });

  test("say how late the answer to a message without an end came", () => {
    expect(textOf(silent, "silence")).toContain("The answer began 252.0 ms after the last byte");
    expect(terms(silent)).not.toContain("durability");
  });

  test("say why there are two reads", () => {
    const half = { ...timeline.reads[0], bytes: 290 } as Timeline["reads"][0];
    const two = { ...timeline, reads: [half, { ...half, index: 1, offset: 290, bytes: 60 }] };
    const text = textOf({ ...two, reply: { ...timeline.reply, reads: 2 } }, "segmentation");
    expect(text).toContain("The gateway read 2 times: the server sent the header before the response was ready.");
  });

  test("tell a slow reader's reads from those of the server's", () => {
    const readPace = { afterMs: 0, bytes: 64, everyMs: 10 };
    const slow = { ...timeline, readPace, reply: { ...timeline.reply, reads: 6 } };
    expect(textOf(slow, "receive window")).toContain("6 reads of at most 64 bytes");
    expect(terms(slow)).not.toContain("segmentation");
  });

  test("speak of FIN and RST only where there was one", () => {
    expect(terms(reset)).toContain("reset, ABORT");
    expect(terms(reset)).not.toContain("FIN");
    expect(terms({ ...silent, at: { ...silent.at, ended: 1.7 } })).toContain("half-close");
  });

  test("explain each failure of the way", () => {
    expect(failed("connect-refused")).toContain("connection refused");
    expect(failed("connection-reset")).toContain("reset");
    expect(failed("connect-timeout")).toContain("retransmission");
    expect(failed("reply-timeout")).toContain("timeout");
  });
});
