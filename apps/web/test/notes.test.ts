import { describe, expect, test } from "vitest";
import { notesOf } from "../src/inspector/notes/notes.ts";
import { describeTraffic, messageEnd, summarize } from "../src/inspector/notes/summary.ts";
import type { Timeline } from "../src/inspector/timeline/timeline.ts";
import { event, timeline, withWrites, writesAt } from "./stream-samples.ts";

const terms = (of: Timeline) => notesOf(of).map(({ term }) => term);
const textOf = (of: Timeline, term: string) => notesOf(of).find((note) => note.term === term)?.text ?? "";

const silent: Timeline = {
  ...withWrites(timeline, [event(7, 1.6)]),
  message: "brick 2",
  messageBytes: 7,
  at: { ...timeline.at, firstByte: 253.6, fin: 253.8, closed: 253.9 },
};
const overtaken: Timeline = {
  ...withWrites(silent, [event(7, 1.6), event(1, 253.7, { number: 1, offset: 7 })]),
  message: "brick 2\n",
  messageBytes: 8,
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

const opened = { received: 1, connecting: 1.1, established: 1.5 };
/** A server that greets first. */
const dialogue: Timeline = {
  ...timeline,
  target: "mail",
  isWithServer: false,
  isConversation: true,
  isDialogue: true,
  at: { ...opened, firstByte: 3, written: 8 },
  writes: [event(10, 8)],
  reads: [event(100, 3)],
  sent: { bytes: 40, writes: 4 },
  reply: { ...timeline.reply, bytes: 600, reads: 6, responseOffset: 0, hasReplyHeader: false },
  latestMs: 12_001.5,
  endedMs: undefined,
  end: "running",
  endReason: undefined,
};

const failed = (code: "connect-refused" | "connection-reset" | "connect-timeout") =>
  terms({
    ...waiting,
    end: "error",
    endedMs: 3,
    failure: { kind: "failed", hop: "gateway-server", code, message: "" },
  });

describe("what ended a message", () => {
  test.each<[string, Timeline, string]>([
    ["its line feed", timeline, "newline"],
    ["silence, when an answer came without any other end", silent, "silence"],
    ["a half-close behind it", { ...silent, at: { ...silent.at, ended: 1.7 } }, "fin"],
    ["nothing, when the half-close came behind the answer", { ...silent, at: { ...silent.at, ended: 300 } }, "silence"],
    ["nothing yet", waiting, "none"],
    ["nothing, and the connection is gone", reset, "none"],
  ])("is %s", (_, of, expected) => {
    expect(messageEnd(of)).toBe(expected);
  });

  test("is no line feed that was never written", () => {
    const cut = { ...withWrites(reset, writesAt(1.6, 1.7)), message: "brick 2\n", messageBytes: 8 };
    expect(messageEnd(cut)).toBe("none");
  });

  test("is silence when the line feed was written only after the answer had begun", () => {
    expect(messageEnd(overtaken)).toBe("silence");
    expect(messageEnd(withWrites(timeline, [event(8, 3.1)]))).toBe("newline");
  });
});

describe("the summary", () => {
  test.each<[string, Timeline, RegExp]>([
    ["an ordinary message", timeline, /^The message was carried out and answered\.$/],
    ["a message that silence ended", silent, /^No line feed came, so silence ended the message\./],
    [
      "a message that silence ended, whose write was noted late",
      withWrites(silent, [event(7, 200)]),
      /^No line feed came, so silence ended/,
    ],
    [
      "pieces that were joined",
      withWrites(timeline, writesAt(1.6, 1.7, 1.8, 1.9, 2, 2.1, 2.2, 2.3)),
      /^The server joined 8 writes/,
    ],
    ["a piece that came behind the answer", overtaken, /^No line feed came, so silence ended the message\. It/],
    ["a refusal", refused, /^The message was refused: "9" is no operation; type 1, 2, 3 or 5\.$/],
    [
      "text behind the line",
      { ...timeline, message: "brick 2\nx", messageBytes: 9 },
      /The server ignored the bytes after it/,
    ],
    [
      "a message that may wait for a connection",
      { ...waiting, at: { received: 1 } },
      /waits until one of its connections/,
    ],
    ["a message without an answer so far", waiting, /has not answered yet/],
    ["a reset before the end", reset, /before the message ended, so the server did nothing/],
    ["a reset before the first byte", withWrites(reset, []), /before the message ended, so the server did nothing/],
    [
      "a reset behind a whole message",
      { ...withWrites(reset, timeline.writes), message: "brick 2\n", messageBytes: 8 },
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
      /^The message was refused: a message that deletes must end with a newline/,
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
    expect(summarize({ ...withWrites(follow, []), schedule: [{ afterMs: 0, bytes: 8 }] })).toBe(
      "The reply is still coming.",
    );
  });

  test("on a message to another service says how it was answered", () => {
    const answered: Timeline = { ...timeline, target: "mail", isConversation: true, isWithServer: false };
    expect(summarize(answered)).toBe("mail answered and closed the connection.");
    const reply = { ...timeline.reply, bytes: 0, reads: 0 };
    expect(summarize({ ...answered, reads: [], reply })).toBe("mail closed the connection without an answer.");
    const plain = { ...timeline.reply, hasReplyHeader: false };
    const open = { ...answered, reply: plain, end: "running", endReason: undefined } as const;
    expect(summarize({ ...answered, endReason: "reset" })).toBe("The gateway reset the connection after it sent 8 B.");
    expect(summarize({ ...answered, endReason: "cancelled" })).toBe("You cancelled it after 8 B were sent.");
    expect(summarize(open)).toBe("Bytes came, and the connection is open: more may follow.");
  });

  test.each<[string, Partial<Timeline>, string]>([
    [
      "is being opened",
      { at: { received: 1, connecting: 1.1 } },
      "The gateway connects, or waits until one of its connections is free.",
    ],
    [
      "is silent",
      { at: opened, sent: { bytes: 0, writes: 0 }, reply: { ...dialogue.reply, bytes: 0, reads: 0 } },
      "The conversation with mail is open. Neither side has sent anything yet.",
    ],
    ["is open", {}, "The conversation with mail is open: 4 writes and 6 reads in 12.00 s; mail spoke first."],
    [
      "has minutes behind it, and a half-close",
      { latestMs: 125_001.5, at: { ...dialogue.at, firstByte: 9, ended: 100 } },
      "The conversation with mail is open: 4 writes and 6 reads in 2 min 5 s; you spoke first. You have closed your direction; mail may still send.",
    ],
    [
      "was closed by the target",
      { end: "end", endReason: "fin", at: { ...dialogue.at, fin: 11_000, ended: 11_001 } },
      "The conversation with mail is over: 4 writes and 6 reads in 12.00 s; mail spoke first. mail closed it first.",
    ],
    [
      "was reset",
      { end: "end", endReason: "reset" },
      "You reset the conversation with mail: 4 writes and 6 reads in 12.00 s.",
    ],
    [
      "was left",
      { end: "end", endReason: "cancelled" },
      "You left the conversation with mail: 4 writes and 6 reads in 12.00 s.",
    ],
    ["was open when it was saved", { end: "end" }, "It was still running when it was saved."],
  ])("on a conversation that %s", (_, some, expected) => {
    expect(summarize({ ...dialogue, ...some })).toBe(expected);
  });

  test("on the traffic counts writes and reads, and leaves the server's wait to a message that has one", () => {
    expect(describeTraffic(timeline)).toBe("Sent 8 B, received 350 B in 1 read; 4.50 ms in total, server wait 1.40 ms");
    expect(describeTraffic(dialogue)).toBe("Sent 40 B in 4 writes, received 600 B in 6 reads");
    const { reply } = waiting;
    expect(describeTraffic({ ...dialogue, reply })).toBe("Sent 40 B in 4 writes, received nothing");
  });

  test("leaves a failure to the sentence that the gateway has for it", () => {
    const failure = { kind: "failed", hop: "gateway-server", code: "connection-reset", message: "broke" } as const;
    expect(summarize({ ...timeline, failure })).toBe("");
  });
});

describe("the notes", () => {
  test("of a conversation say who spoke first, and how each direction was closed", () => {
    const peer = { subject: "CN=mail", issuer: "CN=ca", validFrom: "2026-01-01", validTo: "2027-01-01" };
    const tls = { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: null, peer };
    const secured: Timeline = { ...dialogue, transport: "tls", tls, at: { ...dialogue.at, secured: 2.5 } };
    expect(terms(secured)).toEqual(["masking", "three-way handshake", "TLS handshake", "segmentation"]);
    expect(textOf(secured, "TLS handshake")).toContain("TLS_AES_128_GCM_SHA256");
    const halfClosed: Timeline = { ...dialogue, at: { ...dialogue.at, ended: 20 } };
    expect(textOf(halfClosed, "half-close")).toContain("mail may still send.");
    const closed: Timeline = { ...halfClosed, at: { ...halfClosed.at, fin: 30 }, end: "end", endReason: "fin" };
    expect(textOf(closed, "FIN")).toContain("mail's FIN closes its direction");
    expect(textOf({ ...dialogue, end: "end", endReason: "reset" }, "reset, ABORT")).toContain("as you asked");
  });

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

  test("say that a message in pieces was one stream", () => {
    const schedule = Array.from({ length: 8 }, () => ({ afterMs: 1, bytes: 1 }));
    const pieces = withWrites(timeline, writesAt(1, 2, 3, 4, 5, 6, 7, 8));
    const text = textOf({ ...pieces, schedule }, "byte stream, TCP_NODELAY");
    expect(text).toContain("in 8 pieces");
  });

  test("say how late the answer to a message without an end came", () => {
    expect(textOf(silent, "silence")).toContain("The answer began 252.0 ms after the last byte");
    expect(terms(silent)).not.toContain("durability");
  });

  test("say why there are two reads", () => {
    const two = { ...timeline, reads: [event(290, 3), event(60, 3, { number: 1, offset: 290 })] };
    const text = textOf({ ...two, reply: { ...timeline.reply, reads: 2 } }, "segmentation");
    expect(text).toContain("The gateway read 2 times: the server sent the header before the response was ready.");
  });

  test("tell a slow reader's reads from those of the server's", () => {
    const readRate = { afterMs: 0, bytes: 64, everyMs: 10 };
    const slow = { ...timeline, readRate, reply: { ...timeline.reply, reads: 6 } };
    expect(textOf(slow, "receive window")).toContain("6 reads of at most 64 bytes");
    expect(terms(slow)).not.toContain("segmentation");
  });

  test("speak of FIN and RST only where there was one", () => {
    expect(terms(reset)).toContain("reset, ABORT");
    expect(terms(reset)).not.toContain("FIN");
    expect(terms({ ...silent, at: { ...silent.at, ended: 1.7 } })).toContain("half-close");
  });

  test("of a stream with another service name no rule of this protocol", () => {
    const other: Timeline = { ...timeline, isWithServer: false, reply: { ...timeline.reply, hasReplyHeader: false } };
    expect(terms(other)).toEqual(["masking", "three-way handshake", "FIN"]);
    expect(terms({ ...other, transport: "unix" })).toEqual(["masking", "FIN"]);
    const peer = { subject: "CN=mail", issuer: "CN=ca", validFrom: "2026-01-01", validTo: "2027-01-01T00:00:00Z" };
    const tls = { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: null, peer };
    const secured = { ...other, transport: "tls", tls, at: { ...timeline.at, secured: 1.55 } } as const;
    expect(textOf(secured, "TLS handshake")).toContain("a certificate of CN=mail from CN=ca, valid to 2027-01-01.");
  });

  test("call a FIN in return no half-close", () => {
    expect(terms({ ...timeline, at: { ...timeline.at, ended: 3.25 } })).not.toContain("half-close");
  });

  test("explain each failure of the way", () => {
    expect(failed("connect-refused")).toContain("connection refused");
    expect(failed("connection-reset")).toContain("reset");
    expect(failed("connect-timeout")).toContain("retransmission");
  });
});
