/**
 * Two streams side by side.
 *
 * A stream is cut into turns: what was sent, and then what came until more was sent. What came before anything was sent is
 * the greeting. The turns of both are aligned by what they sent, and within a turn the lines. Where the bytes are the same,
 * the reads and the times are compared. Bytes that were not kept are unknown: such streams are never called the same.
 */

import { joinAll } from "@wirebook/protocol";
import { summarize } from "./compare-summary.ts";
import type { ConversationEvent } from "./scenario.ts";

export interface ComparedStream {
  /** When it began, on the clock of its events. */
  readonly startedMs: number;
  readonly events: readonly ConversationEvent[];
}

/** A line with its line end, or bytes that are missing. */
export interface ComparedLine {
  readonly bytes: Uint8Array;
  readonly missing: number;
  /** The part that the line beside it does not have. */
  readonly from: number;
  readonly to: number;
  readonly cuts: readonly number[];
}

interface Passage {
  /** The same for the same bytes and gaps, and for no others. */
  readonly key: string;
  readonly sizes: readonly number[];
  readonly events: readonly ConversationEvent[];
}

export interface Turn {
  /** Counts the turns that sent something, from 1; 0 is the greeting. */
  readonly number: number;
  readonly sent: Passage;
  readonly received: Passage;
  /** Milliseconds from the beginning of the stream to the first byte of the turn. */
  readonly atMs: number;
  /** Milliseconds from the last byte sent, or from the beginning, to the last one received. */
  readonly replyMs: number;
}

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
  readonly areReadsSame: boolean;
  /** How much longer the reply took in the other stream; 0 where it is not worth telling. */
  readonly longerMs: number;
  /** Bytes, reads and, as far as it is worth telling, times. */
  readonly isSame: boolean;
}

export interface Comparison {
  readonly turns: readonly TurnPair[];
  readonly ends: { readonly one: readonly StreamEnd[]; readonly other: readonly StreamEnd[] };
  /** True when both were ended in the same way by the same side, or neither was. */
  readonly areEndsSame: boolean;
  /** True when the same bytes went in each direction, in whatever turns. */
  readonly isSame: boolean;
  readonly missingBytes: number;
  readonly summary: string;
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

/** Lines between two gaps that are compared one by one; what follows counts as one more. */
const linesMax = 20_000;
const contextLines = 2;
/** Items of each list that are aligned at once: the memory grows with its square, the time with it and the lists. */
const windowItems = 1000;

const lineFeed = 0x0a;
/** Of the 256 characters of windows-1252 each stands for one byte. */
const latin1 = new TextDecoder("latin1");

export function compareStreams(one: ComparedStream, other: ComparedStream): Comparison {
  const [first, second] = [turnsOf(one), turnsOf(other)];
  const turns = align(first.turns, second.turns, ({ sent }) => sent.key).map(pairOf);
  const passages = [...first.turns, ...second.turns].flatMap(({ sent, received }) => [sent, received]);
  const lost = passages.flatMap(({ events }) => events.filter(({ bytes }) => bytes === undefined));
  const missingBytes = lost.reduce((sum, { byteCount }) => sum + byteCount, 0);
  const isWaySame = (way: "sent" | "received") => {
    const [whole, otherWhole] = [first, second].map((side) => side.turns.map((turn) => turn[way].key).join(""));
    return whole === otherWhole;
  };
  const isSame = missingBytes === 0 && isWaySame("sent") && isWaySame("received");
  const ends = { one: first.ends, other: second.ends };
  const [end, otherEnd] = [first.ends[0], second.ends[0]];
  const areEndsSame = end?.kind === otherEnd?.kind && end?.isFromTarget === otherEnd?.isFromTarget;
  const comparison = { turns, ends, areEndsSame, isSame, missingBytes };
  return { ...comparison, summary: summarize(comparison) };
}

/** The lines of a turn side by side, first those that were sent; joined, those of one side are its bytes. */
export function compareTurn({ one, other }: Pick<TurnPair, "one" | "other">): readonly LinePair[] {
  return [false, true].flatMap((isFromTarget) => {
    const way = isFromTarget ? "received" : "sent";
    return align(linesOf(one?.[way]), linesOf(other?.[way]), keyOfLine).map(([line, otherLine]): LinePair => {
      if (line === undefined || otherLine === undefined) {
        return { isFromTarget, one: line, other: otherLine, isSame: false };
      }
      const [from, behind] = commonEnds(line.bytes, otherLine.bytes);
      const [to, otherTo] = [line.bytes.length - behind, otherLine.bytes.length - behind];
      const isSame = from === to && from === otherTo && line.missing === otherLine.missing;
      return { isFromTarget, one: { ...line, from, to }, other: { ...otherLine, from, to: otherTo }, isSame };
    });
  });
}

function keyOfLine({ bytes, missing }: ComparedLine): string {
  return `${missing} ${latin1.decode(bytes)}`;
}

/** The lines near those that differ, and those that were sent; in place of others, how many they are. */
export function foldLines(lines: readonly LinePair[]): readonly (LinePair | number)[] {
  const folded: (LinePair | number)[] = [];
  let left = 0;
  for (const [at, line] of lines.entries()) {
    const near = lines.slice(Math.max(0, at - contextLines), at + contextLines + 1);
    left = line.isFromTarget && near.every(({ isSame }) => isSame) ? left + 1 : 0;
    if (left > 1) folded.pop();
    folded.push(left === 0 ? line : left);
  }
  return folded;
}

function pairOf([one, other]: Aligned<Turn>): TurnPair {
  const hasBoth = one !== undefined && other !== undefined;
  const isSentSame = hasBoth && one.sent.key === other.sent.key;
  const isReceivedSame = hasBoth && one.received.key === other.received.key;
  const areReadsSame = isReceivedSame && one.received.sizes.join() === other.received.sizes.join();
  const [ms, otherMs] = [one?.replyMs ?? 0, other?.replyMs ?? 0];
  const isTold = hasBoth && Math.abs(otherMs - ms) >= Math.max(longerMsMin, longerPartMin * Math.max(ms, otherMs));
  const longerMs = isTold ? roundMs(otherMs - ms) : 0;
  const isSame = isSentSame && areReadsSame && longerMs === 0;
  return { one, other, isSentSame, isReceivedSame, areReadsSame, longerMs, isSame };
}

const isInCharacter = (byte = 0): boolean => (byte & 0xc0) === 0x80;

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

function linesOf({ events }: Pick<Passage, "events"> = { events: [] }): readonly ComparedLine[] {
  const lines: { readonly parts: Uint8Array[]; missing: number; readonly cuts: number[]; byteCount: number }[] = [];
  let isOpen = false;
  for (const [number, { bytes, byteCount }] of events.entries()) {
    if (bytes === undefined) lines.push({ parts: [], missing: byteCount, cuts: [], byteCount: 0 });
    isOpen &&= bytes !== undefined;
    for (let from = 0; bytes !== undefined && from < bytes.length;) {
      if (!isOpen) lines.push({ parts: [], missing: 0, cuts: [], byteCount: 0 });
      const line = lines.at(-1) as (typeof lines)[0];
      const feed = lines.length > linesMax ? -1 : bytes.indexOf(lineFeed, from);
      const part = bytes.subarray(from, feed < 0 ? undefined : feed + 1);
      // The beginning of a passage is no cut in it.
      if (from === 0 && number > 0) line.cuts.push(line.byteCount);
      line.parts.push(part);
      line.byteCount += part.length;
      from += part.length;
      isOpen = feed < 0;
    }
  }
  return lines.map(({ parts, byteCount: to, ...line }) => ({ ...line, bytes: joinAll(parts), from: 0, to }));
}

function turnsOf({ startedMs, events }: ComparedStream): { turns: readonly Turn[]; ends: readonly StreamEnd[] } {
  const groups: { readonly sent: ConversationEvent[]; readonly received: ConversationEvent[] }[] = [];
  const ends: StreamEnd[] = [];
  const passed = { sent: 0, received: 0 };
  for (const event of events) {
    const { kind, isFromTarget, byteCount } = event;
    if (kind === "fin" || kind === "rst") {
      // Both legs of a flow tell of each.
      const isKnown = ends.some((end) => end.kind === kind && end.isFromTarget === isFromTarget);
      if (!isKnown) ends.push({ kind, isFromTarget, atMs: roundMs(event.atMs - startedMs) });
    }
    if (kind !== "data") continue;
    const way = isFromTarget ? "received" : "sent";
    const missing = Math.max(0, (event.offset ?? 0) - passed[way]);
    if (missing + byteCount === 0) continue;
    passed[way] += missing + byteCount;
    let group = groups.at(-1);
    if (group === undefined || (!isFromTarget && group.received.length > 0)) {
      group = { sent: [], received: [] };
      groups.push(group);
    }
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

function passageOf(events: readonly ConversationEvent[]): Passage {
  const keys = events.map(({ bytes, byteCount }) => (bytes ? latin1.decode(bytes) : `\u{ffff}${byteCount}\u{ffff}`));
  return { key: keys.join(""), sizes: events.map(({ byteCount }) => byteCount), events };
}

/** To the microsecond: further digits come from the arithmetic alone. */
function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

type Aligned<Item> = readonly [one: Item | undefined, other: Item | undefined];

/**
 * All items of both lists, each once and in order: those of a longest common subsequence beside each other, and between them
 * those that differ in their order. It is looked for window by window, so lists that moved further align less well.
 */
function align<Item>(one: readonly Item[], other: readonly Item[], keyOf: (item: Item) => string) {
  const [keys, otherKeys] = [one.map(keyOf), other.map(keyOf)];
  // Of several longest subsequences the same is found whichever list is the first one.
  const isSwapped = keys.join("\u{ffff}") > otherKeys.join("\u{ffff}");
  const pairs = isSwapped
    ? commonPairs(otherKeys, keys).map(([place, otherPlace]) => [otherPlace, place] as const)
    : commonPairs(keys, otherKeys);
  const aligned: Aligned<Item>[] = [];
  let [at, otherAt] = [0, 0];
  for (const [place, otherPlace] of [...pairs, [one.length, other.length] as const]) {
    while (at < place || otherAt < otherPlace) {
      aligned.push([at < place ? one[at++] : undefined, otherAt < otherPlace ? other[otherAt++] : undefined]);
    }
    if (at < one.length && otherAt < other.length) aligned.push([one[at++], other[otherAt++]]);
  }
  return aligned;
}

function commonPairs(texts: readonly string[], otherTexts: readonly string[]): readonly (readonly [number, number])[] {
  // Long texts are compared once, and not with each of the others.
  const known = new Map([...texts, ...otherTexts].map((text, number) => [text, number]));
  const [one, other] = [texts.map((text) => known.get(text)), otherTexts.map((text) => known.get(text))];
  const pairs: [number, number][] = [];
  let [at, otherAt] = [0, 0];
  while (at < one.length && otherAt < other.length) {
    const [from, otherFrom, end, otherEnd] = [at, otherAt, at + windowItems, otherAt + windowItems];
    const lengths = commonLengths(one.slice(at, end), other.slice(otherAt, otherEnd));
    while (at < Math.min(end, one.length) && otherAt < Math.min(otherEnd, other.length)) {
      const [i, j] = [at - from, otherAt - otherFrom];
      if (one[at] === other[otherAt]) pairs.push([at++, otherAt++]);
      else if ((lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0)) at += 1;
      else otherAt += 1;
    }
  }
  return pairs;
}

/** How many items the rests of both lists have in common, from each pair of places on. */
function commonLengths(one: readonly unknown[], other: readonly unknown[]): readonly Uint16Array[] {
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let i = one.length - 1; i >= 0; i--) {
    const [row, next] = [lengths[i] as Uint16Array, lengths[i + 1] as Uint16Array];
    for (let j = other.length - 1; j >= 0; j--) {
      row[j] = one[i] === other[j] ? (next[j + 1] ?? 0) + 1 : Math.max(next[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}
