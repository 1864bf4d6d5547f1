/**
 * Two streams side by side.
 *
 * A stream is cut into turns: what was sent, and then what came until more was sent. A turn that begins with what came, as
 * the greeting of a mail server does, sent nothing. The turns of both are aligned by what they sent. Then the bytes are
 * compared, and where those are the same also the reads in which they came, and the times.
 *
 * Bytes that were not kept are unknown: two streams are never called the same when either lacks some.
 */

import { alignLists } from "./compare-align.ts";
import { summarize } from "./compare-summary.ts";

/** What went over a connection, as the events of a `StreamRecord` tell it. */
export interface ComparedEvent {
  readonly kind: "data" | "written" | "fin" | "rst";
  readonly isFromTarget: boolean;
  readonly atMs: number;
  /** Bytes of its direction before it, where events may be missing. */
  readonly offset?: number;
  readonly byteCount: number;
  readonly bytes?: Uint8Array | undefined;
}

export interface ComparedStream {
  readonly name: string;
  /** When it began, on the clock of its events. */
  readonly startedMs: number;
  readonly events: readonly ComparedEvent[];
}

/** Bytes that went one way within a turn. */
interface Passage {
  /** Those that were kept. */
  readonly bytes: Uint8Array;
  /** The same for the same bytes and gaps, and for no others. */
  readonly key: string;
  /** Where others are missing among them, and how many. */
  readonly gaps: readonly { readonly at: number; readonly byteCount: number }[];
  /** Where each read or write begins among them, but for the first. */
  readonly cuts: readonly number[];
  /** Reads or writes. */
  readonly count: number;
  /** The first of them; `undefined` of an empty passage. */
  readonly first: ComparedEvent | undefined;
}

export interface Turn {
  /** Counts the turns that sent something, from 1; 0 is what the target said before. */
  readonly number: number;
  readonly sent: Passage;
  readonly received: Passage;
  /** Milliseconds from the beginning of the stream to the first byte of the turn. */
  readonly atMs: number;
  /** Milliseconds from the last byte sent, or from the beginning, to the last one received. */
  readonly replyMs: number;
}

/** The end of a direction. */
export interface StreamEnd {
  readonly kind: "fin" | "rst";
  readonly isFromTarget: boolean;
  readonly atMs: number;
}

/** A turn of each stream; one is absent where the other stream has no such turn. */
export interface TurnPair {
  readonly one: Turn | undefined;
  readonly other: Turn | undefined;
  readonly isSentSame: boolean;
  readonly isReceivedSame: boolean;
  /** True where the same bytes were received in the same reads. */
  readonly areReadsSame: boolean;
  /** How much longer the reply took in the other stream; 0 where it is not worth telling. */
  readonly longerMs: number;
  /** True when bytes, reads and, as far as it is worth telling, times are the same. */
  readonly isSame: boolean;
}

export interface Comparison {
  readonly turns: readonly TurnPair[];
  readonly ends: { readonly one: readonly StreamEnd[]; readonly other: readonly StreamEnd[] };
  /** True when both were ended in the same way by the same side, or neither was. */
  readonly areEndsSame: boolean;
  /** True when the same bytes went in each direction. */
  readonly isSame: boolean;
  /** Bytes of both streams that were not kept. */
  readonly missingBytes: number;
  readonly summary: string;
}

/** A line with its line end, or bytes that are missing. */
export interface ComparedLine {
  readonly bytes: Uint8Array;
  readonly missing: number;
  /** The part that the line beside it does not have. */
  readonly from: number;
  readonly to: number;
  /** Where reads begin in it. */
  readonly cuts: readonly number[];
}

/** A line of each stream; one is absent where the other stream has no such line. */
export interface LinePair {
  readonly isFromTarget: boolean;
  readonly one: ComparedLine | undefined;
  readonly other: ComparedLine | undefined;
  readonly isSame: boolean;
}

/** A difference of times that is told has at least so many milliseconds, and is such a part of the longer time. */
const longerMsMin = 10;
const longerPartMin = 0.2;

/** Lines of a passage that are compared one by one; what follows counts as one more. */
const linesMax = 20_000;

/** Lines that stay before and behind one that differs. */
const contextLines = 2;

const lineFeed = 0x0a;
const nothing = passageOf([]);

/** Compares two streams. Nothing is decided by their names or by when they began. */
export function compareStreams(one: ComparedStream, other: ComparedStream): Comparison {
  const [parts, otherParts] = [turnsOf(one), turnsOf(other)];
  const [keys, otherKeys] = [parts, otherParts].map(({ turns }) => turns.map(({ sent }) => sent.key));
  const turns = alignLists(keys, otherKeys).map(([at = -1, otherAt = -1]) =>
    pairOf(parts.turns[at], otherParts.turns[otherAt]),
  );
  const missingBytes = [...parts.turns, ...otherParts.turns]
    .flatMap(({ sent, received }) => [...sent.gaps, ...received.gaps])
    .reduce((sum, { byteCount }) => sum + byteCount, 0);
  const isWaySame = (way: "sent" | "received") => wholeOf(parts.turns, way) === wholeOf(otherParts.turns, way);
  const isSame = missingBytes === 0 && isWaySame("sent") && isWaySame("received");
  const ends = { one: parts.ends, other: otherParts.ends };
  const [end, otherEnd] = [ends.one[0], ends.other[0]];
  const areEndsSame = end?.kind === otherEnd?.kind && end?.isFromTarget === otherEnd?.isFromTarget;
  const comparison = { turns, ends, areEndsSame, isSame, missingBytes };
  return { ...comparison, summary: summarize(comparison) };
}

/** All bytes of one way: the same ones may be in other turns. */
function wholeOf(turns: readonly Turn[], way: "sent" | "received"): string {
  return turns.map((turn) => turn[way].key).join("");
}

/** The lines of a turn side by side, first those that were sent; joined, those of one side are its bytes. */
export function compareTurn({ one, other }: Pick<TurnPair, "one" | "other">): readonly LinePair[] {
  const sent = compareLines(one?.sent, other?.sent).map((pair) => ({ ...pair, isFromTarget: false }));
  return [...sent, ...compareLines(one?.received, other?.received).map((pair) => ({ ...pair, isFromTarget: true }))];
}

/** The lines near those that differ, and those that were sent; in place of others, how many they are. */
export function foldLines(lines: readonly LinePair[]): readonly (LinePair | number)[] {
  const folded: (LinePair | number)[] = [];
  let left = 0;
  for (const [at, line] of lines.entries()) {
    const near = lines.slice(Math.max(0, at - contextLines), at + contextLines + 1);
    left = line.isFromTarget && near.every(({ isSame }) => isSame) ? left + 1 : 0;
    if (left === 0) folded.push(line);
    else if (left === 1) folded.push(1);
    else folded[folded.length - 1] = left;
  }
  return folded;
}

const keyOf = ({ bytes, missing }: ComparedLine) => `${missing} ${textOf(bytes)}`;

function compareLines(one = nothing, other = nothing): readonly Omit<LinePair, "isFromTarget">[] {
  const [lines, otherLines] = [linesOf(one), linesOf(other)];
  return alignLists(lines.map(keyOf), otherLines.map(keyOf)).map(([at = -1, otherAt = -1]) => {
    const [line, otherLine] = [lines[at], otherLines[otherAt]];
    if (line === undefined || otherLine === undefined) return { one: line, other: otherLine, isSame: false };
    const [before, behind] = commonEnds(line.bytes, otherLine.bytes);
    const [to, otherTo] = [line.bytes.length - behind, otherLine.bytes.length - behind];
    const isSame = before === to && before === otherTo && line.missing === otherLine.missing;
    return { one: { ...line, from: before, to }, other: { ...otherLine, from: before, to: otherTo }, isSame };
  });
}

function pairOf(one: Turn | undefined, other: Turn | undefined): TurnPair {
  const hasBoth = one !== undefined && other !== undefined;
  const isSentSame = hasBoth && one.sent.key === other.sent.key;
  const isReceivedSame = hasBoth && one.received.key === other.received.key;
  const areReadsSame = isReceivedSame && one.received.cuts.join() === other.received.cuts.join();
  const [ms, otherMs] = [one?.replyMs ?? 0, other?.replyMs ?? 0];
  const isTold = Math.abs(otherMs - ms) >= Math.max(longerMsMin, longerPartMin * Math.max(ms, otherMs));
  const longerMs = isTold && hasBoth ? roundMs(otherMs - ms) : 0;
  const isSame = isSentSame && areReadsSame && longerMs === 0;
  return { one, other, isSentSame, isReceivedSame, areReadsSame, longerMs, isSame };
}

/** Of the 256 characters of windows-1252 each stands for one byte. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** How many bytes two lines begin and end with in common; a character of UTF-8 is not cut. */
function commonEnds(one: Uint8Array, other: Uint8Array): readonly [before: number, behind: number] {
  const shorter = Math.min(one.length, other.length);
  let before = 0;
  while (before < shorter && one[before] === other[before]) before += 1;
  if (before === one.length && before === other.length) return [before, 0];
  while (before > 0 && (isInCharacter(one[before]) || isInCharacter(other[before]))) before -= 1;
  let behind = 0;
  while (behind < shorter - before && one.at(-1 - behind) === other.at(-1 - behind)) behind += 1;
  while (behind > 0 && isInCharacter(one.at(-behind))) behind -= 1;
  return [before, behind];
}

function isInCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function linesOf({ bytes, gaps, cuts }: Passage): readonly ComparedLine[] {
  const lines: ComparedLine[] = [];
  let cut = 0;
  const add = (from: number, to: number): void => {
    const within: number[] = [];
    for (; cut < cuts.length && (cuts[cut] ?? 0) < to; cut++) within.push((cuts[cut] ?? 0) - from);
    lines.push({ bytes: bytes.subarray(from, to), missing: 0, from: 0, to: to - from, cuts: within });
  };
  let at = 0;
  for (const gap of [...gaps, { at: bytes.length, byteCount: 0 }]) {
    while (at < gap.at) {
      const feed = lines.length < linesMax ? bytes.subarray(at, gap.at).indexOf(lineFeed) : -1;
      const end = feed < 0 ? gap.at : at + feed + 1;
      add(at, end);
      at = end;
    }
    if (gap.byteCount > 0)
      lines.push({ bytes: bytes.subarray(at, at), missing: gap.byteCount, from: 0, to: 0, cuts: [] });
  }
  return lines;
}

/** The turns of a stream, and how its directions ended. */
function turnsOf({ startedMs, events }: ComparedStream) {
  const groups: { readonly sent: ComparedEvent[]; readonly received: ComparedEvent[] }[] = [];
  const ends: StreamEnd[] = [];
  const passed = { sent: 0, received: 0 };
  for (const event of events) {
    const { kind, isFromTarget, byteCount } = event;
    if (kind === "written") continue;
    if (kind !== "data") {
      // Both legs of a flow tell of each.
      const isKnown = ends.some((end) => end.kind === kind && end.isFromTarget === isFromTarget);
      if (!isKnown) ends.push({ kind, isFromTarget, atMs: roundMs(event.atMs - startedMs) });
      continue;
    }
    const way = isFromTarget ? "received" : "sent";
    const missing = Math.max(0, (event.offset ?? 0) - passed[way]);
    if (missing + byteCount === 0) continue;
    passed[way] += missing + byteCount;
    const last = groups.at(-1);
    const isGoingOn = last !== undefined && (isFromTarget || last.received.length === 0);
    const group = isGoingOn ? last : { sent: [], received: [] };
    if (!isGoingOn) groups.push(group);
    if (missing > 0) group[way].push({ ...event, byteCount: missing, bytes: undefined });
    if (byteCount > 0) group[way].push(event);
  }
  const isGreeted = groups[0]?.sent.length === 0;
  const turns = groups.map(({ sent, received }, at): Turn => {
    const askedMs = sent.at(-1)?.atMs ?? startedMs;
    const atMs = roundMs(((sent[0] ?? received[0])?.atMs ?? startedMs) - startedMs);
    const replyMs = roundMs((received.at(-1)?.atMs ?? askedMs) - askedMs);
    return { number: isGreeted ? at : at + 1, sent: passageOf(sent), received: passageOf(received), atMs, replyMs };
  });
  return { turns, ends };
}

/** To the microsecond: further digits come from the arithmetic alone. */
function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function passageOf(events: readonly ComparedEvent[]): Passage {
  const gaps: { readonly at: number; byteCount: number }[] = [];
  const cuts: number[] = [];
  let length = 0;
  for (const { bytes, byteCount } of events) {
    if (bytes !== undefined) {
      cuts.push(length);
      length += bytes.length;
    } else if (gaps.at(-1)?.at === length) (gaps.at(-1) as { byteCount: number }).byteCount += byteCount;
    else gaps.push({ at: length, byteCount });
  }
  const bytes = new Uint8Array(length);
  const kept = events.flatMap((event) => event.bytes ?? []);
  for (const [at, part] of kept.entries()) bytes.set(part, cuts[at]);
  const key = textOf(bytes) + gaps.map(({ at, byteCount }) => `\u{fffd}${at} ${byteCount}`).join("");
  return { bytes, key, gaps, cuts: cuts.slice(1), count: events.length, first: events[0] };
}
