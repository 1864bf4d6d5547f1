import { Capture, captureRecord, decodeSession, encodeRecord, encodeSessionHead } from "@wirebook/capture";
import type { ExchangeRecord } from "@wirebook/capture";
import { encodeBytes, encodeFrame, encodeText } from "@wirebook/protocol";
import type { GatewayFrame, PageFrame } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { Exchange } from "../src/exchanges/exchange.svelte.ts";
import type { Intent } from "../src/exchanges/exchange.svelte.ts";
import { Exchanges } from "../src/exchanges/exchanges.svelte.ts";
import { exportFile, loadFile } from "../src/export/files.ts";
import { recordOf } from "../src/export/record-of.ts";
import { replay, ReplayError } from "../src/export/replay.ts";
import { buildTimeline } from "../src/inspector/timeline/timeline.ts";

const local = { address: "127.0.0.1", port: 40_112 };
const remote = { address: "127.0.0.1", port: 5007 };
const at = { received: 900.25, connecting: 900.5, established: 901 };
const written = { ...at, written: 901.25, firstByte: 903, fin: 905, closed: 905.125 };
/** The gateway's clock is 400 ms ahead of the page's. */
const clock = { offsetMs: 400, errorMs: 0.125 };
const measures = { sentBytes: 0, receivedBytes: 0, untimedWrites: 0, untimedChunks: 0, frames: [], untimedFrames: 0 };

function begin(message: string, opening: PageFrame, more: Partial<Intent> = {}): Exchange {
  const intent = { user: "brick", message, by: "user" as const, ...more };
  return new Exchange(7, intent, opening.type, { atMs: 500, payload: encodeFrame(opening) });
}

function tell(
  exchange: Exchange,
  frame: Extract<GatewayFrame, { type: "open" | "end" | "error" }>,
  atMs: number,
): void {
  exchange.takeFrame(frame, { atMs, payload: encodeFrame(frame) }, clock);
}

function bring(exchange: Exchange, text: string, atMs: number): void {
  const bytes = encodeText(text);
  exchange.takeBytes(bytes, { atMs, payload: encodeBytes(exchange.id, bytes) });
}

/** A whole exchange, whose reply comes in two chunks. */
function finished(message = "brick 2\n", reply = ["link\n", "\na line\n"]): Exchange {
  const exchange = begin(message, { type: "request", id: 7, user: message.split(" ")[0] ?? "", operation: 2 });
  tell(exchange, { type: "open", id: 7, local, remote, at }, 501.5);
  for (const [index, text] of reply.entries()) bring(exchange, text, 503.5 + index);
  const writes: [number, number][] = [[901.25, encodeText(message).length]];
  const chunks = reply.map((text, index): [number, number] => [903 + index, text.length]);
  tell(exchange, { type: "end", id: 7, reason: "fin", at: written, ...measures, writes, chunks }, 506);
  return exchange;
}

/** Through a file and back. */
function throughFile(record: ExchangeRecord): ExchangeRecord {
  const { records, problems } = decodeSession(
    Buffer.from(encodeSessionHead("test", new Date()) + encodeRecord(record)),
  );
  expect(problems).toEqual([]);
  return records[0] as ExchangeRecord;
}

describe("the record of an exchange", () => {
  test("has the bytes of TCP in their order, on the page's clock", () => {
    const record = recordOf(finished());
    const said = record.wire.map(({ at: ms, from, bytes = "" }) => [ms, from, Buffer.from(bytes, "base64").toString()]);
    expect(said).toEqual([
      [1.25, "client", "brick 2\n"],
      [3, "server", "link\n"],
      [4, "server", "\na line\n"],
    ]);
    expect(record.steps).toEqual({
      received: 0.25,
      connecting: 0.5,
      established: 1,
      written: 1.25,
      firstByte: 3,
      fin: 5,
      closed: 5.125,
    });
    expect(record).toMatchObject({
      ends: { client: local, server: remote },
      clockErrorMs: 0.125,
      end: { how: "fin", at: 6 },
    });
  });

  test("holds no key, neither as text nor in base64, and not the one that the server gave", () => {
    const raw = Buffer.from("brick~s3cret 2\n").toString("base64");
    const all = [
      recordOf(finished("brick~s3cret 2\n")),
      recordOf(begin("brick~s3cret 2\n", { type: "raw", id: 7, bytes: raw, end: false })),
      recordOf(finished("brick 4\n", ["otter-42~s3cret\n"])),
    ];
    for (const record of all) {
      const text = JSON.stringify(record);
      const decoded = text.replaceAll(/[A-Za-z0-9+/]{8,}={0,2}/g, (run) =>
        Buffer.from(run, "base64").toString("latin1"),
      );
      expect(text).not.toContain("s3cret");
      expect(decoded).not.toContain("s3cret");
    }
  });

  test("is the same after it was played again, and so is the timeline that the wire tells of it", () => {
    const cancelled = begin(
      "brick 5\n",
      { type: "request", id: 7, user: "brick", operation: 5 },
      { purpose: "to see" },
    );
    tell(cancelled, { type: "open", id: 7, local, remote, at }, 501.5);
    cancelled.noteSent("cancel", { atMs: 510, payload: encodeFrame({ type: "cancel", id: 7 }) });
    tell(
      cancelled,
      { type: "end", id: 7, reason: "cancelled", at: { ...at, closed: 911 }, ...measures, writes: [], chunks: [] },
      511.5,
    );
    const refused = begin("brick\n", { type: "request", id: 7, user: "brick" });
    const problem = { code: "connect-refused", hop: "gateway-server", message: "nothing listens" } as const;
    tell(refused, { type: "error", id: 7, ...problem, at: { received: 900.25, connecting: 900.5, closed: 901 } }, 502);
    const lost = begin("brick\n", { type: "request", id: 7, user: "brick" });
    lost.lose("it went away", 520);
    const plan = [{ afterMs: 5, bytes: 6 }];
    const raw = begin(
      "brick\n",
      { type: "raw", id: 7, bytes: Buffer.from("brick\n").toString("base64"), end: false, plan },
      { plan },
    );
    raw.lose("it went away", 520);
    for (const exchange of [finished(), cancelled, refused, lost, raw]) {
      const record = throughFile(recordOf(exchange));
      const again = replay(record, 8, "a.ndjson");
      expect(recordOf(again)).toEqual(record);
      expect(again.state).toBe(exchange.state);
      expect(again.intent.plan).toEqual(exchange.intent.plan);
      expect(again.intent.loaded).toMatchObject({ fileName: "a.ndjson", startedAt: exchange.sentAt, note: "" });
      expect(buildTimeline(again).writes).toEqual(buildTimeline(exchange).writes);
      expect(again.answerSentence).toBe(exchange.answerSentence);
    }
  });

  test("of one that runs is not running when it is loaded, and says so", () => {
    const running = begin("brick 5\n", { type: "request", id: 7, user: "brick", operation: 5 });
    tell(running, { type: "open", id: 7, local, remote, at }, 501.5);
    bring(running, "a line\n", 503);
    const record = recordOf(running);
    expect(record.wire).toEqual([
      { at: 3, isArrival: true, from: "server", count: 7, bytes: Buffer.from("a line\n").toString("base64") },
    ]);
    const again = replay(record, 8, "a.ndjson");
    expect(again.state).toBe("cancelled");
    expect(again.intent.loaded?.note).toBe("it was running when it was exported");
  });

  test("says how many bytes were not kept, and leaves room for them in the packets", () => {
    const exchange = finished();
    exchange.release();
    const record = throughFile(recordOf(exchange));
    expect(record.wire.map(({ bytes, count }) => [bytes === undefined, count])).toEqual([
      [false, 8],
      [true, 5],
      [true, 8],
    ]);
    expect(() => replay(record, 8, "a")).toThrow("has no first frame: the page had dropped its bytes");
    const whole = recordOf(finished());
    const cut = {
      ...whole,
      wire: whole.wire.map((item, index) => (index === 1 ? { ...item, bytes: undefined } : item)),
    };
    expect(replay(throughFile(cut), 8, "a").intent.loaded?.note).toBe("5 bytes of its reply are missing");
    expect(captureRecord(new Capture({ write: () => true }, "test"), record)).toBe(true);
  });

  test("is refused when its frames are not those of an exchange", () => {
    const record = recordOf(finished());
    const [first, open, ...rest] = record.frames;
    const broken = (frames: unknown): ExchangeRecord => ({ ...record, frames: frames as ExchangeRecord["frames"] });
    expect(() => replay(broken(rest), 1, "a")).toThrow(ReplayError);
    expect(() => replay(broken([first, { ...open, text: "{}" }]), 1, "a")).toThrow("has an invalid frame");
    expect(() => replay(broken([first, ...rest, ...rest]), 1, "a")).toThrow("has frames after its end");
  });
});

const create = (): Exchanges => new Exchanges({ clock: undefined, send: () => undefined }, () => {});

describe("a file", () => {
  test("that was saved loads again, under ids of its own, and a broken line costs only itself", async () => {
    const { blob, name, content } = exportFile([finished(), finished()], "ndjson", new Date("2026-11-24T14:00:00Z"));
    expect([name, content]).toEqual(["wirebook-2026-11-24T140000.ndjson", "2 exchanges"]);
    const exchanges = create();
    const text = `${await blob.text()}{"type":"exch`;
    const { problems, exchanges: loaded } = await loadFile(new File([text], "a.ndjson"), exchanges);
    expect(problems).toEqual(["line 4 is not JSON; was the file cut off or edited?"]);
    expect(loaded.map(({ id }) => id)).toEqual([1, 2]);
    expect(exchanges.list).toEqual(loaded);
  });

  test("of packets says which exchanges are not in it", () => {
    const lost = begin("brick\n", { type: "request", id: 7, user: "brick" });
    const { content } = exportFile([finished(), lost], "pcapng", new Date());
    expect(content).toBe("the packets of 1 exchange, synthesised; 1 exchange made no connection and no packets");
  });
});
