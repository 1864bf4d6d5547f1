import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeText, StreamRecord } from "@wirebook/protocol";
import { StreamLines } from "../src/conversation/lines/stream-lines.ts";
import type { Row } from "../src/conversation/lines/stream-lines.ts";
import { lineBytesMax, streamLinesKept } from "../src/limits.ts";

const bounds = { firstEventsKept: 10_000, lastEventsKept: 10_000, bytesKept: 1e8 };

function all(lines: StreamLines): readonly Row[] {
  return lines.rows;
}

const textOf = ({ bytes, kind }: Row) => (kind === "data" ? new TextDecoder().decode(bytes) : kind);

/** A record with what went each way: `<` from the target, `>` to it. */
function recordOf(...parts: readonly string[]): StreamRecord {
  const record = new StreamRecord(bounds);
  for (const [at, part] of parts.entries()) {
    const bytes = encodeText(part.slice(1));
    if (part.startsWith("<")) record.read(bytes, at * 100);
    else {
      record.sending(bytes);
      record.wrote(bytes.length, at * 100);
    }
  }
  return record;
}

function rowsIn(...parts: readonly string[]): readonly Row[] {
  const lines = new StreamLines();
  lines.take(recordOf(...parts).events);
  return all(lines);
}

function inOneRead(bytes: Uint8Array): readonly Row[] {
  const record = new StreamRecord(bounds);
  record.read(bytes.slice(), 0);
  const lines = new StreamLines();
  lines.take(record.events);
  return all(lines);
}

test("lines end with LF, CRLF or CR, and stand in the order in which they went", () => {
  const rows = rowsIn("<220 hello\r\n", ">EHLO x\r\n", "<250-a\n250 b\r", "<\n", "<one\r", "<two\r\rthree");
  expect(rows.map((row) => `${row.isFromTarget ? "<" : ">"}${textOf(row)}`)).toEqual([
    "<220 hello\r\n",
    ">EHLO x\r\n",
    "<250-a\n",
    "<250 b\r\n",
    "<one\r",
    "<two\r",
    "<\r",
    "<three",
  ]);
});

test("a part of a line is a row at once, which goes on until the other side speaks", () => {
  expect(rowsIn("<log", "<in: ", ">ada\n", "<Pass", "<word: ").map(textOf)).toEqual(["login: ", "ada\n", "Password: "]);
});

test("a row tells when its first byte went", () => {
  expect(rowsIn("<a\nb", "<c\n", "<d\n").map(({ atMs }) => atMs)).toEqual([0, 0, 200]);
});

test("any reads of the same bytes give the same lines", () => {
  const piece = fc.constantFrom("a", "\r", "\n", "\r\n", "€", "\u001b[1m", "x".repeat(lineBytesMax));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 8 }), (pieces, cuts) => {
      const bytes = encodeText(pieces.join(""));
      const lines = new StreamLines();
      const record = new StreamRecord(bounds);
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
      places.forEach((to, index) => {
        const from = places[index - 1] ?? 0;
        if (to > from) record.read(bytes.slice(from, to), index);
        lines.take(record.eventsFrom(lines.next));
      });
      expect(all(lines).map(textOf)).toEqual(inOneRead(bytes).map(textOf));
      expect(Buffer.concat(all(lines).map((row) => row.bytes))).toEqual(Buffer.from(bytes));
    }),
  );
});

test("a long line is cut at the same place, wherever a read ends", () => {
  const long = "x".repeat(lineBytesMax);
  expect(rowsIn(`<${long}`, "<\r\n").map(textOf)).toEqual([long, "\r\n"]);
  expect(rowsIn(`<${long}`, "<a").map(textOf)).toEqual([long, "a"]);
});

test("a long line is cut between two characters", () => {
  const [first, second] = inOneRead(encodeText(`${"x".repeat(lineBytesMax - 1)}€€`));
  expect([first?.bytes.length, second?.bytes.length]).toEqual([lineBytesMax - 1, 6]);
});

test("a reply is taken from its offset on, without what was sent", () => {
  const lines = new StreamLines(3);
  lines.take(recordOf(">ping\n", "<h\n", "<\none\n", "<two\n").events);
  expect(all(lines).map(textOf)).toEqual(["one\n", "two\n"]);
});

test("a header is taken up to where the reply begins", () => {
  const lines = new StreamLines(0, 4);
  lines.take(recordOf(">ping\n", "<h\n", "<i\none\n", "<two\n").events);
  expect(all(lines).map(textOf)).toEqual(["h\n", "i\n"]);
});

test("bytes that are not kept are one row that counts them", () => {
  const record = new StreamRecord({ ...bounds, bytesKept: 4 });
  for (const text of ["one\n", "two\n", "six\n"]) record.read(encodeText(text), 1);
  record.ended("fin", true, 2);
  const lines = new StreamLines();
  lines.take(record.events);
  expect(all(lines).map(({ kind, from, to }) => [kind, from, to])).toEqual([
    ["gap", 0, 8],
    ["data", 8, 12],
    ["fin", 12, 12],
  ]);
});

test("of many reads the first rows and the newest stay, and the rest is counted", () => {
  const record = new StreamRecord({ ...bounds, firstEventsKept: 10, lastEventsKept: 10 });
  const lines = new StreamLines();
  for (let n = 0; n < 200_000; n++) {
    record.read(encodeText(`line ${n}\n`), n);
    lines.take(record.eventsFrom(lines.next));
  }
  const rows = all(lines);
  expect(rows.length).toBeLessThanOrEqual(streamLinesKept);
  expect(rows.length + lines.leftOut).toBe(200_000);
  expect([textOf(rows[0] as Row), textOf(rows.at(-1) as Row)]).toEqual(["line 0\n", "line 199999\n"]);
});
