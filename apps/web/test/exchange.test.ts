import { describe, expect, test } from "vitest";
import { authenticationError, encodeReplyHeader, encodeError, encodeText, operations } from "@wirebook/protocol";
import type { PageFrame, StepTimes } from "@wirebook/protocol";
import { Exchange } from "../src/exchanges/exchange.svelte.ts";
import type { ExchangeFrame } from "../src/exchanges/exchange.svelte.ts";
import { Exchanges } from "../src/exchanges/exchanges.svelte.ts";
import { streamBounds } from "../src/limits.ts";
import { explainDelete, explainFailure, resultOf, refusalOf } from "../src/exchanges/result.ts";
import { arrowsOf } from "../src/inspector/diagram/arrows.ts";
import { notesOf } from "../src/inspector/notes/notes.ts";
import { summarize } from "../src/inspector/notes/summary.ts";
import { buildTimeline } from "../src/inspector/timeline/timeline.ts";
import { lose, server } from "./exchange-samples.ts";
import { Peer, readOf, writtenOf } from "./gateway-peer.ts";

const header = encodeReplyHeader({ link: "https://example.org/wirebook", operations });
const endpoint = { address: "127.0.0.1", port: 5007 };

const clock = { offsetMs: -500, errorMs: 0.2 };

function begin(message = "brick 2\n", name = "request"): Exchange {
  const timed = { atMs: 1000, text: '{"type":"request"}' };
  return new Exchange(7, { target: server, user: "brick", message, by: "user" }, name, timed);
}

function give(exchange: Exchange, text: string, arrivedMs = 1004, atMs = 503): void {
  exchange.takeBytes(readOf(encodeText(text), atMs), arrivedMs, clock);
}

function end(exchange: Exchange): void {
  const at = { received: 501, connecting: 501, established: 502, written: 502, firstByte: 503, fin: 503, closed: 504 };
  const frame: ExchangeFrame = { type: "end", id: 7, reason: "fin", sentBytes: 8, receivedBytes: 10, at };
  exchange.takeFrame(frame, { atMs: 1006, text: "{}" }, clock);
}

describe("an exchange", () => {
  test("tells the header of the reply from the response, over any reads", async () => {
    const seen: string[] = [];
    const onResponse = (bytes: Uint8Array) => void seen.push(new TextDecoder().decode(bytes));
    const intent = { target: server, user: "brick", message: "brick 2\n", by: "user", onResponse } as const;
    const listening = new Exchange(7, intent, "request", { atMs: 0, text: "" });
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
    const exchange = begin();
    give(exchange, "0123456789");
    end(exchange);
    const timeline = buildTimeline(exchange);
    expect(timeline.at).toMatchObject({ received: 1, established: 2, firstByte: 3, closed: 4 });
    expect(timeline.reads).toEqual([
      { number: 0, offset: 0, byteCount: 10, ms: 3, arrivedMs: 4, queuedKiB: 0, frameBytes: 26 },
    ]);
    expect([timeline.endedMs, timeline.errorMs]).toEqual([6, 0.2]);
  });

  test("shows each write, read and FIN when it happens, with its own times", () => {
    const exchange = begin("brick 2\n", "connect");
    const shown = () => {
      const { at, writes, reads, sent, reply } = buildTimeline(exchange);
      const times = [...writes, ...reads].map(({ ms, arrivedMs }) => [ms, arrivedMs]);
      return { at, times, sent, bytes: reply.bytes };
    };
    exchange.takeBytes(writtenOf(3, 502), 1003, clock);
    expect(shown()).toMatchObject({ times: [[2, 3]], sent: { bytes: 3, writes: 1 }, at: { written: 2 } });
    exchange.takeBytes(writtenOf(5, 602), 1103, clock);
    give(exchange, "hello", 1105, 604);
    const fin = (isFromTarget: boolean, atMs: number) =>
      exchange.takeBytes({ ...readOf(new Uint8Array(0), atMs), kind: "fin", isFromTarget }, 1106, clock);
    fin(false, 605);
    expect(shown()).toMatchObject({
      times: [
        [2, 3],
        [102, 103],
        [104, 105],
      ],
      bytes: 5,
      at: { ended: 105 },
    });
    expect(exchange.record.writes.map(({ bytes }) => new TextDecoder().decode(bytes))).toEqual(["bri", "ck 2\n"]);
    fin(true, 606);
    expect(shown().at).toMatchObject({ firstByte: 104, ended: 105, fin: 106 });
    expect(exchange.state).toBe("running");
  });

  test("keeps the first and the newest of a million reads, and counts all", () => {
    const exchange = begin();
    for (let n = 0; n < 1_000_000; n++) exchange.takeBytes(readOf(new Uint8Array(1), n), n, clock);
    const { firstEventsKept, lastEventsKept } = streamBounds.user;
    expect(exchange.record.events).toHaveLength(firstEventsKept + lastEventsKept);
    expect([exchange.reads, exchange.receivedBytes]).toEqual([1_000_000, 1_000_000]);
    expect(arrowsOf(buildTimeline(exchange)).find(({ id }) => id === "reads")?.label).toBe("999993 more");
  });

  test("is refused when the response is an error, and says why without the prefix", () => {
    const exchange = begin("brick 1 99\n");
    give(exchange, header + encodeError("N is 99, and the last line is 3"));
    end(exchange);
    expect([resultOf(exchange).word, refusalOf(exchange)]).toEqual(["refused", "N is 99, and the last line is 3."]);
  });

  test("is unauthenticated when the server says so", () => {
    const exchange = begin();
    give(exchange, authenticationError);
    end(exchange);
    expect(resultOf(exchange).word).toBe("unauthenticated");
  });

  test("does not take a response for an error because of its header", () => {
    const exchange = begin();
    give(exchange, `${header}2026 Error: no\n`);
    end(exchange);
    expect(resultOf(exchange).word).toBe("done");
  });

  test("fails on the hop between page and gateway when the gateway is lost, and keeps what it has", async () => {
    const exchange = begin();
    exchange.takeFrame(
      { type: "open", id: 7, local: endpoint, remote: endpoint, at: { received: 1 } },
      { atMs: 1001, text: "{}" },
      undefined,
    );
    give(exchange, "half a rep");
    lose(exchange, "the gateway is restarting", 1010);
    await exchange.over;
    expect([exchange.state, exchange.receivedBytes]).toEqual(["failed", 10]);
    expect(explainDelete(exchange)?.result).toBe("The line may have been deleted.");
    expect(explainFailure(exchange)).toMatchObject({
      where: "It failed between this page and the gateway.",
      why: "The gateway was lost: the gateway is restarting.",
    });
  });

  test.each<[StepTimes, string, string]>([
    [{ received: 1, connecting: 2 }, "The gateway wrote nothing to the server", "Nothing was deleted."],
    [
      { received: 1, connecting: 2, established: 3, written: 4 },
      "may have carried out the message",
      "The line may have been deleted.",
    ],
  ])("says whether the message, a delete for one, can have been carried out", (at, words, result) => {
    const exchange = begin();
    const frame = {
      type: "error",
      id: 7,
      code: "connection-reset",
      hop: "gateway-server",
      message: "gone",
      at,
    } as const;
    exchange.takeFrame(frame, { atMs: 1006, text: "{}" }, undefined);
    expect(explainFailure(exchange)?.consequence).toContain(words);
    expect(explainDelete(exchange)?.result).toBe(result);
  });

  test("was answered when a server that sent bytes kept the connection open", () => {
    const at = { received: 501, connecting: 501, established: 502, written: 502, firstByte: 503, closed: 900 };
    const message = "127.0.0.1:6379 sent 7 bytes, then nothing for 15000 ms";
    const error = { type: "error", id: 7, code: "reply-timeout", hop: "gateway-server", message, at } as const;
    const [silent, answered] = [begin("PING\n"), begin("PING\n")];
    expect(resultOf(answered).word).toBe("sending");
    const open = { type: "open", id: 7, local: endpoint, remote: endpoint, at: { established: 502 } } as const;
    answered.takeFrame(open, { atMs: 1003, text: "{}" }, undefined);
    expect(resultOf(answered).word).toBe("waiting");
    give(answered, "+PONG\r\n");
    expect(resultOf(answered).word).toBe("receiving");
    expect(summarize(buildTimeline(answered))).toBe("Bytes came, and the connection is open: more may follow.");
    for (const each of [silent, answered]) each.takeFrame(error, { atMs: 1900, text: "{}" }, undefined);

    expect(resultOf(answered)).toEqual({ tone: "refused", word: "not closed" });
    expect(explainFailure(answered)?.where).toBe("The server answered but did not close the connection.");
    expect(resultOf(silent)).toEqual({ tone: "failed", word: "failed" });
    expect(explainFailure(silent)?.where).toBe("It failed between the gateway and the server.");
    for (const [each, note, label] of [
      [answered, "so the reply may be incomplete", "no further bytes"],
      [silent, "no answer came", "no answer"],
    ] as const) {
      const timeline = buildTimeline(each);
      expect(notesOf(timeline).at(-1)?.text).toContain(note);
      expect(arrowsOf(timeline).find(({ id }) => id === "failed")?.label).toBe(label);
      // Another service has no history into which the line was written meanwhile.
      expect(notesOf(timeline).map(({ term }) => term)).not.toContain("durability");
    }
  });

  test("of a conversation that was answered is open, until one end closes it", () => {
    const exchange = begin("PING\n", "connect");
    expect(resultOf(exchange).word).toBe("sending");
    give(exchange, "+PONG\r\n");
    expect(resultOf(exchange)).toEqual({ tone: "running", word: "open" });
    expect(summarize(buildTimeline(exchange))).toContain("The server answered and keeps the connection open.");
    end(exchange);
    expect(resultOf(exchange).word).toBe("done");
  });

  test("is ended by the page when the target has ended a conversation, and only then", () => {
    const peer = new Peer();
    const sent: string[] = [];
    const send = (frame: PageFrame) => {
      sent.push(frame.type);
      return peer.connection.send(frame);
    };
    const exchanges = new Exchanges({ ...peer.connection, send }, () => {});
    const exchange = exchanges.connect({ user: "PING", by: "user", bytes: encodeText("PING\n") });
    const fin = { ...readOf(new Uint8Array(0), 600), kind: "fin", id: exchange?.id ?? 0 } as const;
    exchanges.takeBytes({ ...readOf(encodeText("+PONG\r\n")), id: fin.id }, 1);
    expect(sent).toEqual(["connect"]);
    exchanges.takeBytes(fin, 2);
    expect(sent).toEqual(["connect", "end"]);
    expect(exchange?.controls.map(({ direction, name }) => [direction, name])).toEqual([
      ["sent", "connect"],
      ["sent", "end"],
    ]);
    // The gateway had sent its own FIN before.
    const closed = exchanges.connect({ user: "PING", by: "user", bytes: encodeText("PING\n") });
    exchanges.takeBytes({ ...fin, id: closed?.id ?? 0, isFromTarget: false }, 3);
    exchanges.takeBytes({ ...fin, id: closed?.id ?? 0 }, 4);
    expect(sent).toEqual(["connect", "end", "connect"]);
  });

  test("shows a key nowhere", () => {
    const text = '{"type":"request","id":7,"user":"otter~s3cret"}';
    const exchange = new Exchange(
      7,
      { target: server, user: "otter~s3cret", message: "otter~s3cret 2\n", by: "user" },
      "request",
      { atMs: 0, text },
    );
    exchange.takeBytes(writtenOf(15), 1, undefined);
    expect(exchange.message).toBe("otter~****** 2\n");
    const [write] = exchange.record.writes;
    expect(new TextDecoder().decode(write?.bytes)).toBe("otter~****** 2\n");
    expect(JSON.stringify(exchange.controls)).not.toContain("s3cret");
  });
});
