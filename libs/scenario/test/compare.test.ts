import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareStreams, compareTurn } from "@wirebook/scenario";
import type { ComparedLine, ComparedStream, Comparison, ConversationEvent, TurnPair } from "@wirebook/scenario";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** `> sent`, `< received`, `<| received without a line end`, `< FIN`; `@20` before it sets the clock to 20 ms. */
function stream(...lines: string[]): ComparedStream {
  let atMs = 0;
  const events = lines.map((line): ConversationEvent => {
    const [, time, way, bar, text = ""] = /^(?:@(\d+) )?([<>])(\|?) ?(.*)$/su.exec(line) ?? [];
    atMs = time === undefined ? atMs + 1 : Number(time);
    const isFromTarget = way === "<";
    const kind = text === "FIN" ? "fin" : text === "RST" ? "rst" : "data";
    const bytes = kind === "data" ? bytesOf(bar === "" ? `${text}\r\n` : text) : undefined;
    return { kind, isFromTarget, atMs, byteCount: bytes?.length ?? 0, bytes };
  });
  return { startedMs: 0, events };
}

const said = (one: ComparedStream, other: ComparedStream) => compareStreams(one, other).summary;

describe("the sentence", () => {
  const smtp = stream("< 220 one ready", "> EHLO me", "< 250-one", "> QUIT", "< 221 bye", "< FIN", "> FIN");

  test.each([
    ["the same stream", smtp, "Same bytes, in the same reads and about the same time."],
    [
      "reads and times",
      stream("< 220 one ready", "> EHLO me", "<| 250", "<| -o", "@17 < ne", "> QUIT", "< 221 bye", "< FIN"),
      "Same bytes; reply 1 took 3 reads instead of 1 and 14 ms longer.",
    ],
    [
      "other replies",
      stream("< 220 two ready", "> EHLO me", "< 250-two", "> QUIT", "< 221 bye", "< FIN"),
      "What was sent is the same; 2 of 3 replies differ: the greeting and reply 1.",
    ],
    [
      "a turn that only one has",
      stream("< 220 one ready", "> EHLO me", "< 250-one", "> NOOP", "< 250 ok", "> QUIT", "< 221 ciao", "> RST"),
      "1 turn is only in the second; reply 2 differs; the target closed the first and the client reset the second.",
    ],
    [
      "what was sent",
      stream("< 220 one ready", "> HELO me", "< 250-one", "> QUIT", "< 221 bye", "< FIN"),
      "What was sent differs in 1 of 3 turns; what was received to them is the same.",
    ],
    [
      "replies by their names",
      stream("< 220 two ready", "> EHLO me", "< 250-two", "> QUIT", "< 221 ciao", "< FIN"),
      "What was sent is the same; 3 of 3 replies differ: the greeting, reply 1 and reply 2.",
    ],
    [
      "a turn more and nothing else",
      stream("< 220 one ready", "> EHLO me", "< 250-one", "> NOOP", "< 250 ok", "> QUIT", "< 221 bye", "< FIN"),
      "1 turn is only in the second; the rest is the same.",
    ],
    [
      "turns that are cut otherwise",
      stream("> EHLO me", "> QUIT", "< 220 one ready", "< 250-one", "< 221 bye", "< FIN"),
      "Same bytes each way, but in other turns.",
    ],
  ])("tells of %s", (_, other, sentence) => {
    expect(said(smtp, other)).toBe(sentence);
  });

  test("says of bytes that were not kept that they are not known", () => {
    const events = smtp.events.map((event, at) => (at === 2 ? { ...event, bytes: undefined } : event));
    const cut = { ...smtp, events };
    expect(compareStreams(smtp, cut)).toMatchObject({ isSame: false, missingBytes: 9 });
    expect(compareStreams(cut, cut)).toMatchObject({
      isSame: false,
      summary: "What was kept of them is the same; 18 bytes of both together were not kept and are not compared.",
    });
    // Events of a long stream that are missing between the first and the newest.
    const gap = { ...smtp, events: [{ ...smtp.events[0], offset: 100 } as ConversationEvent, ...smtp.events.slice(1)] };
    expect(compareStreams(gap, smtp)).toMatchObject({ isSame: false, missingBytes: 100 });
  });
});

const lit = ({ bytes, from, to }: { bytes: Uint8Array; from: number; to: number }) =>
  new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(from, to));

test("lights in a line what the other has not, and cuts no character", () => {
  const { turns } = compareStreams(
    stream("> x", "< a résumé of 1", "< same"),
    stream("> x", "< a rèsumé of 2", "< same"),
  );
  const [first, second] = compareTurn(turns[0] as TurnPair).slice(1);
  expect(first?.one && lit(first.one)).toBe("ésumé of 1");
  expect(first?.other && lit(first.other)).toBe("èsumé of 2");
  expect(second).toMatchObject({ isSame: true, one: { cuts: [0] } });
});

const event = fc.record({
  isFromTarget: fc.boolean(),
  text: fc.array(fc.constantFrom("a", "b", "é", "\r\n", "\n", "\u0000"), { maxLength: 6 }).map((each) => each.join("")),
  pauseMs: fc.nat(40),
});
const streams = fc.array(event, { maxLength: 30 }).map((parts): ComparedStream => {
  let atMs = 5;
  const events = parts.map(({ text, pauseMs, isFromTarget }): ConversationEvent => {
    atMs += pauseMs;
    const bytes = bytesOf(text);
    return { kind: "data", isFromTarget, atMs, byteCount: bytes.length, bytes };
  });
  return { startedMs: 5, events };
});

const swapped = <Value>({ one, other, ...rest }: { one: Value; other: Value }) => ({ ...rest, one: other, other: one });
const linesOf = ({ turns }: Comparison) => turns.flatMap(compareTurn);

function wayOf({ events }: ComparedStream, isFromTarget: boolean): readonly number[] {
  return events.flatMap((each) => (each.isFromTarget === isFromTarget ? [...(each.bytes ?? [])] : []));
}

test("a stream compared with itself is the same", () => {
  fc.assert(
    fc.property(streams, (one) => {
      const { isSame, turns, summary } = compareStreams(one, one);
      expect(summary).toMatch(/^(Same bytes, in the same reads|Nothing was sent)/);
      expect([isSame, turns.every((turn) => turn.areReadsSame && turn.longerMs === 0)]).toEqual([true, true]);
    }),
  );
});

test("swapping the streams swaps the sides, and nothing else", () => {
  fc.assert(
    fc.property(streams, streams, (one, other) => {
      const [ahead, back] = [compareStreams(one, other), compareStreams(other, one)];
      expect(back.isSame).toBe(ahead.isSame);
      expect(
        back.turns.map((turn) => ({ ...swapped(turn), longerMs: turn.longerMs === 0 ? 0 : -turn.longerMs })),
      ).toEqual(ahead.turns);
      expect(linesOf(back).map(swapped)).toEqual(linesOf(ahead));
    }),
  );
});

/** What is not lit, with a mark where it is. */
const outside = ({ bytes, from, to }: ComparedLine) => [...bytes.slice(0, from), -1, ...bytes.slice(to)];

test("what is shown, joined, is what went over the wire; and what is the same is called so", () => {
  fc.assert(
    fc.property(streams, streams, (one, other) => {
      const comparison = compareStreams(one, other);
      const isSame = [true, false].every((way) => wayOf(one, way).join() === wayOf(other, way).join());
      expect(comparison.isSame).toBe(isSame);
      const lines = linesOf(comparison);
      for (const isFromTarget of [true, false]) {
        const joined = (side: "one" | "other") =>
          lines.flatMap((line) => (line.isFromTarget === isFromTarget ? [...(line[side]?.bytes ?? [])] : []));
        expect(joined("one")).toEqual(wayOf(one, isFromTarget));
        expect(joined("other")).toEqual(wayOf(other, isFromTarget));
      }
      for (const line of lines) {
        if (line.one && line.other) expect(outside(line.one)).toEqual(outside(line.other));
        expect(line.isSame).toBe(line.one?.bytes.join() === line.other?.bytes.join());
      }
    }),
  );
});

const long = (last: string) => stream(`<| ${"\n".repeat(500_000)}${"x".repeat(500_000)}${last}`);

test("a turn more at the beginning moves ten thousand turns, and a megabyte without a line end is compared", () => {
  const turns = Array.from({ length: 10_000 }, (_, at) => [`> GET ${at % 7}`, `< ${at}`]).flat();
  const { turns: pairs } = compareStreams(stream(...turns), stream("> PING", "< PONG", ...turns));
  expect(pairs.filter(({ isSentSame, isReceivedSame }) => !isSentSame || !isReceivedSame)).toHaveLength(1);
  const other = compareStreams(stream(...turns), stream(...turns.map((line) => line.replaceAll("G", "P"))));
  expect(other.turns).toHaveLength(10_000);

  const lines = linesOf(compareStreams(long("1"), long("2")));
  expect(lines.filter(({ isSame }) => !isSame)).toMatchObject([{ one: { bytes: { length: 980_001 } }, isSame: false }]);
  expect(lines.at(-1)?.one).toMatchObject({ from: 980_000, to: 980_001 });
});
