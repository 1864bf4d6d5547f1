import { describe, expect, test } from "vitest";
import {
  authenticationError,
  encodeReplyHeader,
  encodeBytes,
  encodeError,
  encodeText,
  operations,
} from "@wirebook/protocol";
import type { StepTimes } from "@wirebook/protocol";
import { Exchange } from "../src/exchanges/exchange.svelte.ts";
import type { ExchangeFrame } from "../src/exchanges/exchange.svelte.ts";
import { explainDelete, explainFailure, resultOf, refusalOf } from "../src/exchanges/result.ts";
import { arrowsOf } from "../src/inspector/diagram/arrows.ts";
import { notesOf } from "../src/inspector/notes/notes.ts";
import { summarize } from "../src/inspector/notes/summary.ts";
import { buildTimeline } from "../src/inspector/timeline/timeline.ts";

const header = encodeReplyHeader({ link: "https://example.org/wirebook", operations });
const endpoint = { address: "127.0.0.1", port: 5007 };

function begin(message = "brick 2\n"): Exchange {
  const timed = { atMs: 1000, payload: '{"type":"request"}' };
  return new Exchange(7, { user: "brick", message, by: "user" }, "request", timed);
}

function give(exchange: Exchange, text: string, atMs = 1004): void {
  const bytes = encodeText(text);
  exchange.takeBytes(bytes, { atMs, payload: encodeBytes(7, bytes) });
}

function end(exchange: Exchange): void {
  const at = { received: 501, connecting: 501, established: 502, written: 502, firstByte: 503, fin: 503, closed: 504 };
  const frame: ExchangeFrame = {
    type: "end",
    id: 7,
    reason: "fin",
    sentBytes: 8,
    receivedBytes: 10,
    at,
    writes: [[502, 8]],
    untimedWrites: 0,
    chunks: [[503, 10]],
    untimedChunks: 0,
    frames: [
      [503.1, 0],
      [504.2, 0],
    ],
    untimedFrames: 0,
  };
  exchange.takeFrame(frame, { atMs: 1006, payload: "{}" }, { offsetMs: -500, errorMs: 0.2 });
}

describe("an exchange", () => {
  test("tells the header of the reply from the response, over any reads", async () => {
    const seen: string[] = [];
    const onResponse = (bytes: Uint8Array) => void seen.push(new TextDecoder().decode(bytes));
    const intent = { user: "brick", message: "brick 2\n", by: "user", onResponse } as const;
    const listening = new Exchange(7, intent, "request", { atMs: 0, payload: "" });
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
    expect(listening.frames.frames.map(({ name, read }) => read?.index ?? name)).toEqual(["request", 0, 1, 2, "end"]);
  });

  test("puts both clocks on one", () => {
    const exchange = begin();
    give(exchange, "0123456789");
    end(exchange);
    const timeline = buildTimeline(exchange);
    expect(timeline.at).toMatchObject({ received: 1, established: 2, firstByte: 3, closed: 4 });
    expect(timeline.reads).toEqual([
      {
        index: 0,
        offset: 0,
        bytes: 10,
        readMs: 3,
        handedMs: expect.closeTo(4.2, 5) as number,
        waitingBytes: 0,
        arrivedMs: 4,
        frameBytes: 14,
      },
    ]);
    expect([timeline.endedMs, timeline.errorMs]).toEqual([6, 0.2]);
  });

  test("tells of the first reads and the last, and how many it leaves out", () => {
    const exchange = begin();
    for (let n = 0; n < 40; n++) give(exchange, "x", 2000 + n);
    const { reads, omitted } = buildTimeline(exchange);
    expect(reads.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 38, 39]);
    expect(omitted).toEqual({ count: 33, fromMs: 1005 });
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
      { atMs: 1001, payload: "{}" },
      undefined,
    );
    give(exchange, "half a rep");
    exchange.lose("the gateway is restarting", 1010);
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
    exchange.takeFrame(frame, { atMs: 1006, payload: "{}" }, undefined);
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
    answered.takeFrame(open, { atMs: 1003, payload: "{}" }, undefined);
    expect(resultOf(answered).word).toBe("waiting");
    give(answered, "+PONG\r\n");
    expect(resultOf(answered).word).toBe("receiving");
    expect(summarize(buildTimeline(answered))).toBe("Bytes came, and the connection is open: more may follow.");
    for (const each of [silent, answered]) each.takeFrame(error, { atMs: 1900, payload: "{}" }, undefined);

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

  test("shows a key nowhere", () => {
    const payload = '{"type":"request","id":7,"user":"otter~s3cret"}';
    const exchange = new Exchange(7, { user: "otter~s3cret", message: "otter~s3cret 2\n", by: "user" }, "request", {
      atMs: 0,
      payload,
    });
    expect(exchange.message).toBe("otter~****** 2\n");
    expect(JSON.stringify(exchange.frames.frames)).not.toContain("s3cret");
  });
});
