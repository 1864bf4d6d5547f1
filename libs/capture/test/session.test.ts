import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeBase64,
  decodeSession,
  encodeBase64,
  encodeRecord,
  encodeSessionHead,
  brokenLinesMax,
  problemsMax,
  recordBytesMax,
  recordsMax,
  sessionBytesMax,
} from "../src/index.ts";
import type { RecordedStream } from "../src/index.ts";

const head = encodeSessionHead("wirebook test", new Date(0));

const plain: RecordedStream = {
  type: "stream",
  version: 2,
  startedAt: "2026-11-22T20:31:05.123456Z",
  target: "wirebook",
  transport: "tcp",
  message: "brick 2 -1\n",
  by: "user",
  ends: { client: { address: "127.0.0.1", port: 40_112 }, target: { address: "127.0.0.1", port: 5007 } },
  steps: {
    received: 0.5,
    connecting: 0.75,
    established: 1,
    written: 1.25,
    ended: 1.5,
    firstByte: 2,
    fin: 3,
    closed: 3.25,
  },
  events: [
    { at: 1.25, from: "client", bytes: encodeBase64(Buffer.from("brick 2 -1\n")), count: 11, arrived: 1.5 },
    { at: 1.5, from: "client", fin: true },
    { at: 2, from: "target", bytes: encodeBase64(Buffer.from("link\n\n")), count: 6, arrived: 2.75, queued: 3 },
    { at: 2.5, from: "target", bytes: encodeBase64(Buffer.from("a line\n")), count: 7 },
    { at: 3, from: "target", fin: true },
  ],
  frames: [{ at: 0, direction: "sent", name: "request", text: "{}" }],
  end: { how: "fin", at: 3.5 },
};

/** An exchange as version 1 had it. */
const first = {
  type: "exchange",
  version: 1,
  startedAt: plain.startedAt,
  message: plain.message,
  by: "user",
  ends: { client: plain.ends?.client, server: plain.ends?.target },
  steps: plain.steps,
  wire: [
    { at: 1.25, from: "client", bytes: plain.events[0]?.bytes, count: 11 },
    { at: 2, from: "server", bytes: plain.events[2]?.bytes, count: 6 },
    { at: 2.5, isArrival: true, from: "server", bytes: plain.events[3]?.bytes, count: 7 },
  ],
  frames: [
    { at: 0, direction: "sent", name: "request", text: "{}" },
    { at: 2.75, direction: "received", name: "bytes", wire: 1 },
    { at: 3.5, direction: "received", name: "end", text: '{"frames":[[1,0],[2,3100],[2.5,1023],[3.25,9]]}' },
  ],
  end: { how: "fin", at: 3.5 },
};

function decode(...lines: readonly string[]): ReturnType<typeof decodeSession> {
  return decodeSession(Buffer.from(lines.join("")));
}

describe("base64", () => {
  test("goes there and back for any bytes, and is what others make of them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
      }),
    );
    const many = Buffer.alloc(100_000, "wirebook");
    expect(encodeBase64(many)).toBe(many.toString("base64"));
  });
});

describe("a session", () => {
  test("is read as it was written", () => {
    expect(decode(head, encodeRecord(plain))).toEqual({ records: [plain], problems: [] });
  });

  test("that was cut off or edited shows what is whole, with a sentence for each broken line", () => {
    const line = encodeRecord(plain);
    const later = line.replace('"version":2', '"version":3');
    const wrong = line.replace('"port":5007', '"port":70000');
    const both = line.replace('"fin":true', '"fin":true,"count":1');
    const { records, problems } = decode(head, line, later, wrong, "\n", both, line.slice(0, 100));
    expect(records).toEqual([plain]);
    expect(problems).toEqual([
      "line 3 is of version 3, and this Wirebook reads versions up to 2",
      "line 4 is not the record of a stream at ends.target.port (too_big)",
      "line 6 is not the record of a stream at events.1 (custom)",
      "line 7 is not JSON; was the file cut off or edited?",
    ]);
  });

  test("with a time that is no date of a calendar is refused", () => {
    const { records, problems } = decode(head, encodeRecord(plain).replace(/"at":[\d.]+/, '"at":1e300'));
    expect(records).toEqual([]);
    expect(problems).toEqual([expect.stringContaining("at (too_big)")]);
  });

  test("of version 1 is read as a record of today, with each FIN where it was", () => {
    const { records, problems } = decode(head.replace('"version":2', '"version":1'), `${JSON.stringify(first)}\n`);
    expect(problems).toEqual([]);
    const withoutQueue = plain.events.map(({ queued: _queued, ...event }) => event);
    const [{ arrived: __, ...write }] = withoutQueue as [RecordedStream["events"][0]];
    const { frames } = plain;
    const last = { at: 3.5, direction: "received", name: "end", text: first.frames[2]?.text } as const;
    const note = "it is of version 1, whose byte frames had a header of 4 bytes instead of 16";
    const events = [write, ...withoutQueue.slice(1)];
    expect(records).toEqual([{ ...plain, note, frames: [...frames, last], events }]);
    const full = { how: "failed", at: 1, code: "too-many-exchanges", hop: "gateway", message: "full" };
    const raw = { plan: [{ afterMs: 5, bytes: 11 }], read: { afterMs: 0, bytes: 1, everyMs: 0 } };
    const lab = { ...first, frames: [{ ...first.frames[0], text: JSON.stringify(raw) }], end: full };
    const [record] = decode(head, `${JSON.stringify(lab)}\n`).records;
    expect(record).toMatchObject({ schedule: raw.plan, read: raw.read, end: { ...full, code: "too-many-streams" } });
    expect(decode(head, `${JSON.stringify({ ...first, wire: [null] })}\n`).problems).toEqual([
      "line 2 is not the record of a stream at type (invalid_value)",
    ]);
  });

  test("is refused with a sentence when it is none", () => {
    const load = "; load a file that Wirebook exported as NDJSON";
    expect(decode("").problems).toEqual([`its first line is not the head of a session${load}`]);
    expect(decode("hello\n").problems).toEqual([`its first line is not the head of a session${load}`]);
    const later = head.replace('"version":2', '"version":3');
    expect(decode(later).problems).toEqual([`it is of version 3, and this Wirebook reads versions up to 2`]);
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(400), (noise, cut) => {
        const line = encodeRecord(plain);
        const bytes = Buffer.concat([Buffer.from(head + line.slice(0, cut)), noise, Buffer.from(line.slice(cut))]);
        const { records, problems } = decodeSession(bytes);
        expect(records.length + problems.length).toBeGreaterThan(0);
      }),
    );
  });

  test("stays within its bounds: bytes, exchanges, sentences", () => {
    expect(decodeSession({ length: sessionBytesMax + 1 } as Uint8Array).problems[0]).toContain(
      `over the limit of ${sessionBytesMax}`,
    );
    const line = encodeRecord({ ...plain, events: [] });
    const atBound = decode(head, line.repeat(recordsMax));
    expect([atBound.records.length, atBound.problems.length]).toEqual([recordsMax, 0]);
    const past = decode(head, line.repeat(recordsMax), line.repeat(problemsMax + 2));
    expect([past.records.length, past.problems.length, past.problems.at(-1)]).toEqual([
      recordsMax,
      problemsMax + 1,
      "2 more lines cannot be read",
    ]);
    expect(past.problems[0]).toBe(`line ${recordsMax + 2} is over the limit of ${recordsMax} streams`);
    const broken = decode(head, "{}\n".repeat(brokenLinesMax + 5), line);
    expect([broken.records.length, broken.problems.length]).toEqual([0, problemsMax + 1]);
    const [further, last] = [brokenLinesMax - problemsMax, brokenLinesMax + 1];
    const gaveUp = `what is behind line ${last} was not looked at`;
    expect(broken.problems.at(-1)).toBe(`${further} more lines cannot be read; ${gaveUp}`);
    const long = decodeSession(Buffer.concat([Buffer.from(head), Buffer.alloc(recordBytesMax + 1, "a")]));
    expect(long.problems).toEqual([`line 2 is ${recordBytesMax + 1} bytes long, over the limit of ${recordBytesMax}`]);
  });
});
