import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Capture,
  captureRecord,
  decodeBase64,
  decodeSession,
  encodeBase64,
  encodeRecord,
  encodeSessionHead,
  problemsMax,
  recordBytesMax,
  recordsMax,
  sessionBytesMax,
} from "../src/index.ts";
import type { ExchangeRecord } from "../src/index.ts";
import { captureFile, expertFindings, follow, hasTshark, tshark, tsharkTestMs } from "./tshark.ts";

const head = encodeSessionHead("wirebook test", new Date(0));

const plain: ExchangeRecord = {
  type: "exchange",
  version: 1,
  startedAt: "2026-11-22T20:31:05.123456Z",
  message: "brick 2 -1\n",
  by: "user",
  ends: { client: { address: "127.0.0.1", port: 40_112 }, server: { address: "127.0.0.1", port: 5007 } },
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
  wire: [
    { at: 1.25, from: "client", bytes: encodeBase64(Buffer.from("brick 2 -1\n")), count: 11 },
    { at: 2, from: "server", bytes: encodeBase64(Buffer.from("link\n\n")), count: 6 },
    { at: 2.5, from: "server", bytes: encodeBase64(Buffer.from("a line\n")), count: 7 },
  ],
  frames: [
    { at: 0, direction: "sent", name: "request", text: "{}" },
    { at: 2.75, direction: "received", name: "bytes", wire: 1 },
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
    expect(decode(head, encodeRecord(plain))).toEqual({ records: [plain], problems: [], furtherProblems: 0 });
  });

  test("that was cut off or edited shows what is whole, with a sentence for each broken line", () => {
    const line = encodeRecord(plain);
    const stray = encodeRecord({ ...plain, frames: [{ at: 0, direction: "received", name: "bytes", wire: 3 }] });
    const later = line.replace('"version":1', '"version":2');
    const wrong = line.replace('"port":5007', '"port":70000');
    const { records, problems } = decode(head, line, later, wrong, stray, "\n", line.slice(0, 100));
    expect(records).toEqual([plain]);
    expect(problems).toEqual([
      "line 3 is of version 2, and this Wirebook reads version 1",
      "line 4 is not the record of an exchange at ends.server.port (too_big)",
      "line 5 is not whole: its frame 1 names bytes that it does not hold",
      "line 7 is not JSON; was the file cut off or edited?",
    ]);
  });

  test("is refused with a sentence when it is none", () => {
    const load = "; load a file that Wirebook exported as NDJSON";
    expect(decode("").problems).toEqual([`the file is empty${load}`]);
    expect(decode("hello\n").problems).toEqual([`its first line is not the head of a session${load}`]);
    const later = head.replace('"version":1', '"version":2');
    expect(decode(later).problems).toEqual([`it is of version 2, and this Wirebook reads version 1${load}`]);
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
    const line = encodeRecord({ ...plain, wire: [], frames: [] });
    const atBound = decode(head, line.repeat(recordsMax));
    expect([atBound.records.length, atBound.problems.length]).toEqual([recordsMax, 0]);
    const past = decode(head, line.repeat(recordsMax), line.repeat(problemsMax + 2));
    expect([past.records.length, past.problems.length, past.furtherProblems]).toEqual([recordsMax, problemsMax, 2]);
    expect(past.problems[0]).toBe(`line ${recordsMax + 2} is over the limit of ${recordsMax} exchanges`);
    const long = decodeSession(Buffer.concat([Buffer.from(head), Buffer.alloc(recordBytesMax + 1, "a")]));
    expect(long.problems).toEqual([`line 2 is ${recordBytesMax + 1} bytes long, over the limit of ${recordBytesMax}`]);
  });
});

function packetsOf(record: ExchangeRecord): { blocks: Uint8Array[]; hasPackets: boolean } {
  const blocks: Uint8Array[] = [];
  const capture = new Capture({ write: (block) => blocks.push(block) > 0 }, "wirebook test");
  return { hasPackets: captureRecord(capture, record), blocks };
}

describe("a record as packets", { timeout: tsharkTestMs }, () => {
  test("has none when its connection never stood", () => {
    const { ends: _, ...without } = plain;
    expect(packetsOf(without).hasPackets).toBe(false);
    expect(packetsOf({ ...plain, steps: { received: 0 } }).hasPackets).toBe(false);
  });

  test.skipIf(!hasTshark)("is what happened, at its times, the early FIN included", async () => {
    await using file = await captureFile(packetsOf(plain).blocks);
    const fields = ["frame.time_epoch", "tcp.srcport", "tcp.len", "tcp.flags.fin"].flatMap((field) => ["-e", field]);
    const rows = await tshark(file.path, "-Y", "tcp.len > 0 || tcp.flags.fin == 1", "-T", "fields", ...fields);
    expect(rows.map((row) => row.split("\t"))).toEqual([
      ["1795379465.124706000", "40112", "11", "0"],
      ["1795379465.124956000", "40112", "0", "1"],
      ["1795379465.125456000", "5007", "6", "0"],
      ["1795379465.125956000", "5007", "7", "0"],
      ["1795379465.126456000", "5007", "0", "1"],
    ]);
    expect((await follow(file.path)).server.toString()).toBe("link\n\na line\n");
    expect(await expertFindings(file.path)).toEqual([]);
  });

  test.skipIf(!hasTshark)("ends as the exchange did", async () => {
    const { fin: _, ...steps } = plain.steps;
    const endings: readonly [ExchangeRecord["end"], string, string][] = [
      [{ how: "cancelled", at: 3.5 }, "40112", "This end broke off with RST, before the server had ended"],
      [
        { how: "failed", at: 3.5, code: "connection-reset", hop: "gateway-server", message: "it broke" },
        "5007",
        "The connection broke: it broke",
      ],
      [
        { how: "failed", at: 3.5, code: "reply-timeout", hop: "gateway-server", message: "silent" },
        "40112",
        "This end gave up with RST (reply-timeout): silent",
      ],
      [{ how: "reset", at: 3.5 }, "40112", "This end broke off with RST"],
    ];
    for (const [end, port, comment] of endings) {
      const { ended: __, ...open } = steps;
      await using file = await captureFile(packetsOf({ ...plain, steps: open, end }).blocks);
      const rows = await tshark(
        file.path,
        "-Y",
        "frame.comment && tcp.flags.syn == 0",
        "-T",
        "fields",
        "-e",
        "tcp.srcport",
        "-e",
        "frame.comment",
      );
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatch(new RegExp(`^${port}\t${comment.replaceAll(/[()]/g, "\\$&")}`));
    }
  });
});
