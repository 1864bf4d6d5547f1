import { readFile } from "node:fs/promises";
import { Capture, decodeSession, encodeRecord, encodeSessionHead } from "@wirebook/capture";
import type { RecordedStream } from "@wirebook/capture";
import { encodeFrame, encodeText } from "@wirebook/protocol";
import type { GatewayFrame, PageFrame } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { KeptBytes } from "../src/streams/kept-bytes.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import type { Intent } from "../src/streams/stream.svelte.ts";
import { Streams } from "../src/streams/streams.svelte.ts";
import { capturePackets, exportFile, loadFile } from "../src/export/files.ts";
import { streamOf, recordOf } from "../src/export/recorded-stream.ts";
import { arrowsOf } from "../src/inspector/diagram/arrows.ts";
import { FrameList } from "../src/inspector/frame-list.ts";
import { resultOf } from "../src/streams/result.ts";
import { summarize } from "../src/inspector/notes/summary.ts";
import { buildTimeline } from "../src/inspector/timeline/timeline.ts";
import { lose, server } from "./stream-samples.ts";
import { readOf, writtenOf } from "./gateway-peer.ts";

const local = { address: "127.0.0.1", port: 40_112 };
const remote = { address: "127.0.0.1", port: 5007 };
const opened = { received: 900.25, connecting: 900.5, established: 901 };
const written = { ...opened, written: 901.25, firstByte: 903, fin: 905, closed: 905.125 };
/** The gateway's clock is 400 ms ahead of the page's. */
const clock = { offsetMs: 400, errorMs: 0.125 };

function begin(message: string, opening: PageFrame, more: Partial<Intent> = {}): Stream {
  const intent = { target: server, user: "brick", message, by: "user" as const, ...more };
  return new Stream(7, intent, opening.type, { atMs: 500, text: encodeFrame(opening) });
}

const rowsOf = (of: Stream) => new FrameList(of).slice(0, 100).map(({ number, frame, ms }) => [number, frame, ms]);

function tell(stream: Stream, frame: Extract<GatewayFrame, { type: "open" | "end" | "error" }>, atMs: number): void {
  stream.takeFrame(frame, { atMs, text: encodeFrame(frame) }, clock);
}

function connectOf(message: string, target = "wirebook"): PageFrame {
  return { type: "connect", id: 7, target, bytes: Buffer.from(message).toString("base64"), end: false };
}

/** A whole exchange, whose reply comes in two reads. */
function finished(message = "brick 2\n", reply = ["link\n", "\na line\n"]): Stream {
  const stream = begin(message, { type: "request", id: 7, user: message.split(" ")[0] ?? "", operation: 2 });
  tell(stream, { type: "open", id: 7, local, remote, at: opened }, 501.5);
  const sentBytes = encodeText(message).length;
  stream.takeBytes(writtenOf(sentBytes, 901.25), 502, clock);
  for (const [index, text] of reply.entries()) {
    stream.takeBytes({ ...readOf(encodeText(text), 903 + index), queuedKiB: index }, 503.5 + index, clock);
  }
  tell(stream, { type: "end", id: 7, reason: "fin", at: written, sentBytes, receivedBytes: 13 }, 506);
  return stream;
}

/** A conversation with another service over TLS, which the page left. */
function left(): Stream {
  const target = { name: "mail", transport: "tls", address: "mail.example:465", proxyHeaderBytes: 0 } as const;
  const schedule = [
    { afterMs: 5, bytes: 6 },
    { afterMs: 0, do: "end" as const },
  ];
  const peer = { subject: "CN=mail", issuer: "CN=ca", validFrom: "2026-01-01", validTo: "2027-01-01" };
  const tls = { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: null, peer };
  const stream = begin("~quit\n", connectOf("~quit\n", "mail"), { target, schedule, purpose: "to see" });
  tell(stream, { type: "open", id: 7, local, remote, tls, at: { ...opened, secured: 902 } }, 502.5);
  stream.takeBytes(writtenOf(6, 903), 503.5, clock);
  stream.takeBytes({ ...readOf(new Uint8Array(0), 904), kind: "fin", isFromTarget: false }, 504.5, clock);
  stream.takeBytes(readOf(encodeText("~bye\n"), 905), 505.5, clock);
  stream.noteControl("sent", "cancel", { atMs: 510, text: encodeFrame({ type: "cancel", id: 7 }) });
  const over = { ...opened, secured: 902, ended: 904, closed: 911 };
  tell(stream, { type: "end", id: 7, reason: "cancelled", at: over, sentBytes: 6, receivedBytes: 5 }, 511.5);
  return stream;
}

/** Through a file and back. */
function throughFile(record: RecordedStream): RecordedStream {
  const { records, problems } = decodeSession(
    Buffer.from(encodeSessionHead("test", new Date()) + encodeRecord(record)),
  );
  expect(problems).toEqual([]);
  return records[0] as RecordedStream;
}

describe("the record of a stream", () => {
  test("has what happened in its order, on the page's clock", () => {
    const record = recordOf(finished());
    const told = record.events.map(({ bytes, ...rest }) => ({
      ...rest,
      text: bytes && Buffer.from(bytes, "base64").toString(),
    }));
    expect(told).toEqual([
      { at: 1.25, from: "client", count: 8, arrived: 2, text: "brick 2\n" },
      { at: 3, from: "target", count: 5, arrived: 3.5, text: "link\n" },
      { at: 4, from: "target", count: 8, arrived: 4.5, queued: 1, text: "\na line\n" },
      { at: 5, from: "target", fin: true },
    ]);
    expect(record).toMatchObject({
      type: "stream",
      version: 2,
      target: "wirebook",
      transport: "tcp",
      steps: { received: 0.25, connecting: 0.5, established: 1, written: 1.25, firstByte: 3, fin: 5, closed: 5.125 },
      ends: { client: local, target: remote },
      clockErrorMs: 0.125,
      end: { how: "fin", at: 6 },
    });
  });

  test("of the command line is shown without the frames that it never had", () => {
    const whole = recordOf(left());
    const events = whole.events.map(({ at, from, count, bytes, fin }) => ({ at, from, count, bytes, fin }));
    const played = { ...whole, events, message: "", frames: [] } as RecordedStream;
    const shown = streamOf(throughFile(played), 1, "played.ndjson");
    expect(shown.controls).toEqual([]);
    expect(shown.record.events.map(({ kind, isFromTarget }) => `${kind} ${isFromTarget}`)).toEqual([
      "data false",
      "fin false",
      "data true",
    ]);
    expect(recordOf(shown)).toEqual(throughFile(played));
  });

  test("holds no key, neither as text nor in base64, and not the one that the server gave", () => {
    const all = [
      recordOf(finished("brick~s3cret 2\n")),
      recordOf(begin("brick~s3cret 2\n", connectOf("brick~s3cret 2\n"))),
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

  test("with another service is as it was, with its transport and the facts of TLS", () => {
    const record = recordOf(left());
    expect(record).toMatchObject({ target: "mail", transport: "tls", address: "mail.example:465", message: "~quit\n" });
    expect(record).not.toHaveProperty("read");
    expect(record.tls?.peer.subject).toBe("CN=mail");
    expect(Buffer.from(record.events[2]?.bytes ?? "", "base64").toString()).toBe("~bye\n");
  });

  test("is the same after it was loaded, and so is all that the wire shows of it", () => {
    const refused = begin("brick\n", { type: "request", id: 7, user: "brick" });
    const problem = { code: "connect-refused", hop: "gateway-server", message: "nothing listens" } as const;
    tell(refused, { type: "error", id: 7, ...problem, at: { received: 900.25, connecting: 900.5, closed: 901 } }, 502);
    const lost = begin("brick\n", { type: "request", id: 7, user: "brick" });
    lose(lost, "it went away", 520);
    for (const stream of [finished(), left(), refused, lost]) {
      const record = throughFile(recordOf(stream));
      const again = streamOf(record, 8, "a.ndjson");
      expect(recordOf(again)).toEqual(record);
      expect([again.state, again.failure]).toEqual([stream.state, stream.failure]);
      expect(again.intent.loaded).toMatchObject({ fileName: "a.ndjson", startedAt: stream.sentAt, note: "" });
      expect(buildTimeline(again)).toEqual(buildTimeline(stream));
      expect(rowsOf(again)).toEqual(rowsOf(stream));
    }
  });

  test("has all that was sent in a conversation, and loads it again", () => {
    const stream = begin("EHLO", connectOf("EHLO", "mail"), { target: { ...server, name: "mail" } });
    stream.takeBytes(writtenOf(4, 903), 503.5, clock);
    stream.noteSent(encodeText(" ~me\r\n"), 504);
    stream.takeBytes(writtenOf(6, 904), 504.5, clock);
    const again = streamOf(throughFile(recordOf(stream)), 8, "a.ndjson");
    expect(new KeptBytes(again.record, false).toText()).toBe("EHLO ~me\r\n");
  });

  test("holds no key that was cut by the end of a frame", () => {
    const stream = begin("brick~s3c", connectOf("brick~s3c"));
    stream.takeBytes(writtenOf(9, 903), 503.5, clock);
    stream.noteSent(encodeText("ret 2\n"), 504);
    stream.takeBytes(writtenOf(6, 904), 504.5, clock);
    expect(new KeptBytes(stream.record, false).toText()).toBe("brick~****** 2\n");
  });

  test("of one that runs is not running when it is loaded, and says so", () => {
    const running = begin("brick 5\n", { type: "request", id: 7, user: "brick", operation: 5 });
    tell(running, { type: "open", id: 7, local, remote, at: opened }, 501.5);
    running.takeBytes(readOf(encodeText("a line\n"), 903), 503.5, clock);
    const record = throughFile(recordOf(running));
    const again = streamOf(record, 8, "a.ndjson");
    expect([again.state, resultOf(again).word]).toEqual(["cancelled", "end unknown"]);
    expect(again.intent.loaded?.note).toBe("it was running when it was exported");
    expect(summarize(buildTimeline(again))).toBe("It was still running when it was saved.");
    expect(recordOf(again)).toEqual(record);
  });

  test("of a conversation that was open says that, and not that somebody left it", () => {
    const target = { ...server, name: "mail" };
    const open = begin("", connectOf("", "mail"), { target });
    tell(open, { type: "open", id: 7, local, remote, at: opened }, 501.5);
    open.takeBytes(readOf(encodeText("220 mail\r\n"), 903), 503.5, clock);
    const loaded = buildTimeline(streamOf(throughFile(recordOf(open)), 8, "a.ndjson"));
    expect(summarize(loaded)).toBe("It was still running when it was saved.");
    // Neither did the gateway send the RST of one who leaves.
    expect(arrowsOf(loaded, [], true)).toEqual([]);
  });

  test("of one that runs is as long as it ran", () => {
    const intent = { target: server, user: "brick", message: "brick 5\n", by: "user" as const };
    const running = new Stream(7, intent, "request", { atMs: performance.now() - 60_000, text: "" });
    const { end } = recordOf(running);
    expect(end.how).toBe("running");
    expect(end.at).toBeGreaterThanOrEqual(60_000);
  });

  test("says how many bytes were not kept, and leaves room for them in the packets", () => {
    const stream = finished();
    stream.release();
    const record = throughFile(recordOf(stream));
    expect(record.events.map(({ bytes, count }) => [bytes, count])).toEqual([
      [undefined, 8],
      [undefined, 5],
      [undefined, 8],
      [undefined, undefined],
    ]);
    const again = streamOf(record, 8, "a");
    expect(again.intent.loaded?.note).toBe("13 bytes of its reply are missing");
    expect([again.receivedBytes, again.reads]).toEqual([13, 2]);
    expect(capturePackets(new Capture({ write: () => true }, "test"), again)).toBe(true);
  });

  test("has one event in place of those that were not kept, with all their bytes", () => {
    const stream = begin("brick 5\n", { type: "request", id: 7, user: "brick", operation: 5 }, { by: "page" });
    for (let n = 0; n < 3000; n++) stream.takeBytes(readOf(encodeText("x"), 900 + n), 500 + n, clock);
    const { events } = throughFile(recordOf(stream));
    const kept = stream.record.events.length;
    expect(events).toHaveLength(kept + 1);
    expect(events[1024]).toMatchObject({ from: "target", count: 3000 - kept });
  });
});

const create = (): Streams =>
  new Streams({ clock: undefined, hello: undefined, sendBytes: () => undefined, send: () => undefined }, () => {});

describe("a file", () => {
  test("that was saved loads again, under ids of its own, and a broken line costs only itself", async () => {
    const { blob, name, content } = exportFile([finished(), finished()], "ndjson", new Date("2026-11-24T14:00:00Z"));
    expect([name, content]).toEqual(["wirebook-2026-11-24T140000.ndjson", "2 exchanges"]);
    const streams = create();
    const text = `${await blob.text()}{"type":"stre`;
    const { problems, streams: loaded } = await loadFile(new File([text], "a.ndjson"), streams);
    expect(problems).toEqual(["line 4 is not JSON; was the file cut off or edited?"]);
    expect(loaded.map(({ id }) => id)).toEqual([1, 2]);
    expect(streams.list).toEqual(loaded);
  });

  test("of the first version shows what it showed", async () => {
    const text = await readFile(new URL("fixtures/version-1.ndjson", import.meta.url), "utf8");
    const { problems, streams: loaded } = await loadFile(new File([text], "a.ndjson"), create());
    expect(problems).toEqual([]);
    const shown = loaded.map((stream) => {
      const { writes, at, schedule, readRate } = buildTimeline(stream);
      const facts = [writes.length, stream.reads, "fin" in at, "ended" in at, schedule?.length, readRate?.bytes];
      return [stream.message.trim(), resultOf(stream).word, ...facts];
    });
    expect(shown).toEqual([
      ["brick", "done", 1, 1, true, false, undefined, undefined],
      ["brick 5", "end unknown", 0, 9, false, false, undefined, undefined],
      ["brick 2 1 2 snapshot", "done", 1, 1, true, false, undefined, undefined],
      ["brick 2 -1", "done", 1, 1, true, false, undefined, undefined],
      ["brick 2 -2", "done", 11, 1, true, false, 11, undefined],
      ["brick 2 -3", "done", 1, 1, true, true, 2, undefined],
      ["brick 2 -4", "done", 1, 10, true, false, 1, 64],
      ["brick 2 -5", "reset", 1, 0, false, false, 2, undefined],
      ["brick 5", "cancelled", 1, 2, false, false, undefined, undefined],
      ["brick 2 -6", "done", 1, 1, true, false, undefined, undefined],
      ["PING~*********", "failed", 1, 1, false, false, undefined, undefined],
      ["PING~*********", "answered", 1, 1, false, false, undefined, undefined],
      ["PING~*********", "failed", 0, 0, false, false, undefined, undefined],
    ]);
    expect(summarize(buildTimeline(loaded[4] as Stream))).toMatch(/^The server joined 11 writes into one message\./);
    expect(loaded[3]?.header?.operations).toHaveLength(loaded[0]?.header?.operations.length ?? 0);
    expect(loaded[1]?.intent.loaded?.note).toBe(
      "it is of version 1, whose byte frames had a header of 4 bytes instead of 16; it was running when it was exported",
    );
  });

  test("of packets says which exchanges are not in it", () => {
    const lost = begin("brick\n", { type: "request", id: 7, user: "brick" });
    const { content } = exportFile([finished(), lost], "pcapng", new Date());
    expect(content).toBe("the packets of 1 exchange, synthesised; 1 exchange made no connection and no packets");
  });
});
