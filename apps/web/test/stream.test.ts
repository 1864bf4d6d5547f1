import { describe, expect, test } from "vitest";
import { authenticationError, encodeReplyHeader, encodeError, encodeText, operations } from "@wirebook/protocol";
import type { PageFrame, StepTimes } from "@wirebook/protocol";
import { Stream } from "../src/streams/stream.svelte.ts";
import type { StreamFrame } from "../src/streams/stream.svelte.ts";
import { Streams } from "../src/streams/streams.svelte.ts";
import { streamBounds } from "../src/limits.ts";
import { explainFailure, resultOf, refusalOf } from "../src/streams/result.ts";
import { FrameList } from "../src/inspector/frame-list.ts";
import { arrowsOf } from "../src/inspector/diagram/arrows.ts";
import { notesOf } from "../src/inspector/notes/notes.ts";
import { summarize } from "../src/inspector/notes/summary.ts";
import { buildTimeline } from "../src/inspector/timeline/timeline.ts";
import { lose, server } from "./stream-samples.ts";
import { Peer, readOf, writtenOf } from "./gateway-peer.ts";

const header = encodeReplyHeader({ link: "https://example.org/wirebook", operations });
const endpoint = { address: "127.0.0.1", port: 5007 };

const clock = { offsetMs: -500, errorMs: 0.2 };

function begin(message = "brick 2\n", name = "request"): Stream {
  const timed = { atMs: 1000, text: '{"type":"request"}' };
  return new Stream(7, { target: server, user: "brick", message, by: "user" }, name, timed);
}

function give(stream: Stream, text: string, arrivedMs = 1004, atMs = 503): void {
  stream.takeBytes(readOf(encodeText(text), atMs), arrivedMs, clock);
}

function end(stream: Stream): void {
  const at = { received: 501, connecting: 501, established: 502, written: 502, firstByte: 503, fin: 503, closed: 504 };
  const frame: StreamFrame = { type: "end", id: 7, reason: "fin", sentBytes: 8, receivedBytes: 10, at };
  stream.takeFrame(frame, { atMs: 1006, text: "{}" }, clock);
}

function closeSide(stream: Stream, isFromTarget: boolean, atMs: number): void {
  stream.takeBytes({ ...readOf(new Uint8Array(0), atMs), kind: "fin", isFromTarget }, 1106, clock);
}

const resetByTarget = {
  kind: "failed",
  code: "connection-reset",
  hop: "gateway-server",
  message: "127.0.0.1:25 reset the connection",
} as const;

describe("an exchange", () => {
  test("is not received before it was sent, though the reading of the clock was rough", () => {
    const stream = begin();
    const frame: StreamFrame = { type: "open", id: 7, local: endpoint, remote: endpoint, at: { received: 501 } };
    stream.takeFrame(frame, { atMs: 1030, text: "{}" }, { offsetMs: -490, errorMs: 12 });
    expect(stream.toPageMs(501)).toBe(1000);
    expect(stream.toPageMs(503)).toBe(1002);
  });

  test("tells the header of the reply from the response, over any reads", async () => {
    const seen: string[] = [];
    const onResponse = (bytes: Uint8Array) => void seen.push(new TextDecoder().decode(bytes));
    const intent = { target: server, user: "brick", message: "brick 2\n", by: "user", onResponse } as const;
    const listening = new Stream(7, intent, "request", { atMs: 0, text: "" });
    give(listening, header.slice(0, 60));
    give(listening, `${header.slice(60)}one\n`);
    give(listening, "two\n");
    end(listening);
    await listening.over;
    expect(seen.join("")).toBe("one\ntwo\n");
    expect(listening.header?.operations).toEqual(
      operations.map(({ number, purpose, parameters }) => ({ number, purpose, parameters })),
    );
    expect(listening.responseOffset).toBe(encodeText(header).length);
    expect(listening.controls.map(({ name }) => name)).toEqual(["request", "end"]);
    expect(listening.record.reads.map(({ offset, byteCount }) => [offset, byteCount])).toEqual([
      [0, 60],
      [60, header.length - 56],
      [header.length + 4, 4],
    ]);
  });

  test("puts both clocks on one", () => {
    const stream = begin();
    give(stream, "0123456789");
    end(stream);
    const timeline = buildTimeline(stream);
    expect(timeline.at).toMatchObject({ received: 1, established: 2, firstByte: 3, closed: 4 });
    expect(timeline.reads).toMatchObject([{ number: 0, offset: 0, byteCount: 10, atMs: 3 }]);
    expect(timeline.endedMs).toBe(6);
  });

  test("shows each write, read and FIN when it happens, with its own times", () => {
    const stream = begin("brick 2\n", "connect");
    const shown = () => {
      const { at, writes, reads, sent, reply } = buildTimeline(stream);
      const times = [...writes, ...reads].map(({ atMs }) => atMs);
      return { at, times, sent, bytes: reply.bytes };
    };
    stream.takeBytes(writtenOf(3, 502), 1003, clock);
    expect(shown()).toMatchObject({ times: [2], sent: { bytes: 3, writes: 1 }, at: { written: 2 } });
    stream.takeBytes(writtenOf(5, 602), 1103, clock);
    give(stream, "hello", 1105, 604);
    closeSide(stream, false, 605);
    expect(shown()).toMatchObject({
      times: [2, 102, 104],
      bytes: 5,
      at: { ended: 105 },
    });
    expect(stream.record.writes.map(({ bytes }) => new TextDecoder().decode(bytes))).toEqual(["bri", "ck 2\n"]);
    closeSide(stream, true, 606);
    expect(shown().at).toMatchObject({ firstByte: 104, ended: 105, fin: 106 });
    expect(stream.state).toBe("running");
  });

  test("keeps the first and the newest of a million reads, and counts all", () => {
    const stream = begin();
    for (let n = 0; n < 1_000_000; n++) stream.takeBytes(readOf(new Uint8Array(1), n), n, clock);
    const { firstEventsKept, lastEventsKept } = streamBounds.user;
    const kept = stream.record.events.length;
    expect(kept).toBeLessThanOrEqual(firstEventsKept + lastEventsKept);
    expect(kept).toBeGreaterThanOrEqual(firstEventsKept + (lastEventsKept * 7) / 8);
    expect([stream.reads, stream.receivedBytes]).toEqual([1_000_000, 1_000_000]);
    const timeline = buildTimeline(stream);
    expect(timeline.reads.length).toBeLessThan(2000);
    expect([timeline.reads[0]?.number, timeline.reads.at(-1)?.number]).toEqual([0, 999_999]);
    expect(new FrameList(stream).length).toBe(kept + 1);
  });

  test("is refused when the response is an error, and says why without the prefix", () => {
    const stream = begin("brick 1 99\n");
    give(stream, header + encodeError("N is 99, and the last line is 3"));
    end(stream);
    expect([resultOf(stream).word, refusalOf(stream)]).toEqual(["refused", "N is 99, and the last line is 3."]);
  });

  test("is unauthenticated when the server says so", () => {
    const stream = begin();
    give(stream, authenticationError);
    end(stream);
    expect(resultOf(stream).word).toBe("unauthenticated");
  });

  test("does not take a response for an error because of its header", () => {
    const stream = begin();
    give(stream, `${header}2026 Error: no\n`);
    end(stream);
    expect(resultOf(stream).word).toBe("done");
  });

  test("fails on the hop between page and gateway when the gateway is lost, and keeps what it has", async () => {
    const stream = begin();
    stream.takeFrame(
      { type: "open", id: 7, local: endpoint, remote: endpoint, at: { received: 1 } },
      { atMs: 1001, text: "{}" },
      undefined,
    );
    give(stream, "half a rep");
    lose(stream, "the gateway is restarting", 1010);
    await stream.over;
    expect([stream.state, stream.receivedBytes]).toEqual(["failed", 10]);
    expect(explainFailure(stream)).toMatchObject({
      where: "It failed between this page and the gateway.",
      why: "The gateway was lost: the gateway is restarting.",
    });
  });

  test.each<[StepTimes, string]>([
    [{ received: 1, connecting: 2 }, "The gateway wrote nothing to the server"],
    [{ received: 1, connecting: 2, established: 3, written: 4 }, "may have carried out the message"],
  ])("says whether the message can have been carried out", (at, words) => {
    const stream = begin();
    const frame = {
      type: "error",
      id: 7,
      code: "connection-reset",
      hop: "gateway-server",
      message: "gone",
      at,
    } as const;
    stream.takeFrame(frame, { atMs: 1006, text: "{}" }, undefined);
    expect(explainFailure(stream)?.consequence).toContain(words);
  });

  test("names neither a history that the service lacks nor a message that was not sent", () => {
    const mail = { ...server, name: "mail" };
    const lost = (at: StepTimes) => {
      const intent = { target: mail, user: "brick", message: "", by: "user" } as const;
      const stream = new Stream(7, intent, "connect", { atMs: 1000, text: '{"type":"connect"}' });
      const error = { type: "error", id: 7, code: "connection-reset", hop: "gateway-server", message: "gone" } as const;
      stream.takeFrame({ ...error, at }, { atMs: 1006, text: "{}" }, undefined);
      return explainFailure(stream)?.consequence;
    };
    expect(lost({ received: 1 })).toBe("The gateway wrote nothing to mail. It is safe to connect again.");
    expect(lost({ received: 1, established: 3, written: 4 })).toBe(
      "mail may have carried out what you sent. Check what it did before you send it again.",
    );
  });

  test("was answered when a server that sent bytes kept the connection open", () => {
    const at = { received: 501, connecting: 501, established: 502, written: 502, firstByte: 503, closed: 900 };
    const message = "127.0.0.1:6379 sent 7 bytes, then nothing for 15000 ms";
    const error = { type: "error", id: 7, code: "reply-timeout", hop: "gateway-server", message, at } as const;
    const [silent, answered] = [begin("PING\n"), begin("PING\n")];
    expect(resultOf(answered).word).toBe("connecting");
    const open = { type: "open", id: 7, local: endpoint, remote: endpoint, at: { established: 502 } } as const;
    answered.takeFrame(open, { atMs: 1003, text: "{}" }, undefined);
    expect(resultOf(answered).word).toBe("waiting");
    give(answered, "+PONG\r\n");
    expect(resultOf(answered).word).toBe("open");
    expect(summarize(buildTimeline(answered))).toBe("Bytes came, and the connection is open: more may follow.");
    for (const each of [silent, answered]) each.takeFrame(error, { atMs: 1900, text: "{}" }, undefined);

    expect(resultOf(answered)).toEqual({ tone: "good", word: "answered" });
    expect(explainFailure(answered)?.where).toBe("The server answered and kept the connection open.");
    expect(explainFailure(answered)?.why).not.toContain("nothing for");
    expect(resultOf(silent)).toEqual({ tone: "failed", word: "failed" });
    expect(explainFailure(silent)?.where).toBe("It failed between the gateway and the server.");
    for (const [each, label] of [
      [answered, "no further bytes"],
      [silent, "no answer"],
    ] as const) {
      const timeline = buildTimeline(each);
      const arrows = arrowsOf(timeline, [], true);
      expect(arrows.find(({ id }) => id === "failed")?.label).toBe(label);
      // Another service has no history into which the line was written meanwhile.
      expect(notesOf(timeline).map(({ term }) => term)).not.toContain("durability");
    }
  });

  test("of a conversation that was answered is open, until one end closes it", () => {
    const stream = begin("PING\n", "connect");
    expect(resultOf(stream).word).toBe("connecting");
    give(stream, "+PONG\r\n");
    expect(resultOf(stream)).toEqual({ tone: "running", word: "open" });
    expect(summarize(buildTimeline(stream))).toContain("Bytes came, and the connection is open: more may follow.");
    end(stream);
    expect(resultOf(stream).word).toBe("done");
  });

  test.each<[string, (stream: Stream) => void, string]>([
    [
      "the target",
      (stream) => (closeSide(stream, true, 600), closeSide(stream, false, 601), end(stream)),
      "closed by mail",
    ],
    [
      "the user",
      (stream) => (closeSide(stream, false, 600), closeSide(stream, true, 601), end(stream)),
      "closed by you",
    ],
    ["an RST of the user", (stream) => stream.end({ kind: "ended", reason: "reset" }, 1), "reset"],
    ["an RST of the target", (stream) => stream.end(resetByTarget, 1), "reset by mail"],
    ["leaving it", (stream) => stream.end({ kind: "ended", reason: "cancelled" }, 1), "left"],
  ])("that is a dialogue says that %s ended it", (_, deed, word) => {
    const intent = { target: { ...server, name: "mail" }, user: "", message: "", by: "user" } as const;
    const stream = new Stream(7, intent, "connect", { atMs: 0, text: "" });
    stream.takeFrame(
      { type: "open", id: 7, local: endpoint, remote: endpoint, at: { established: 502 } },
      { atMs: 1003, text: "{}" },
      undefined,
    );
    expect([stream.name, resultOf(stream).word]).toEqual(["mail #1", "open"]);
    deed(stream);
    expect(resultOf(stream).word).toBe(word);
  });

  test("is ended by the page when the target has ended a conversation, and only then", () => {
    const peer = new Peer();
    const sent: string[] = [];
    const send = (frame: PageFrame) => {
      sent.push(frame.type);
      return peer.connection.send(frame);
    };
    const streams = new Streams({ ...peer.connection, send }, () => {});
    const stream = streams.connect({ user: "PING", by: "user", target: streams.target, bytes: encodeText("PING\n") });
    const fin = { ...readOf(new Uint8Array(0), 600), kind: "fin", id: stream?.id ?? 0 } as const;
    streams.takeBytes({ ...readOf(encodeText("+PONG\r\n")), id: fin.id }, 1);
    expect(sent).toEqual(["connect"]);
    streams.takeBytes(fin, 2);
    expect(sent).toEqual(["connect", "end"]);
    expect(stream?.controls.map(({ direction, name }) => [direction, name])).toEqual([
      ["sent", "connect"],
      ["sent", "end"],
    ]);
    // The gateway had sent its own FIN before.
    const closed = streams.connect({ user: "PING", by: "user", target: streams.target, bytes: encodeText("PING\n") });
    streams.takeBytes({ ...fin, id: closed?.id ?? 0, isFromTarget: false }, 3);
    streams.takeBytes({ ...fin, id: closed?.id ?? 0 }, 4);
    expect(sent).toEqual(["connect", "end", "connect"]);
  });

  test("shows a key nowhere", () => {
    const text = '{"type":"request","id":7,"user":"otter~s3cret"}';
    const stream = new Stream(
      7,
      { target: server, user: "otter~s3cret", message: "otter~s3cret 2\n", by: "user" },
      "request",
      { atMs: 0, text },
    );
    stream.takeBytes(writtenOf(15), 1, undefined);
    expect(stream.message).toBe("otter~****** 2\n");
    const [write] = stream.record.writes;
    expect(new TextDecoder().decode(write?.bytes)).toBe("otter~****** 2\n");
    expect(JSON.stringify(stream.controls)).not.toContain("s3cret");
  });
});
