/**
 * The sequence diagram: arrows between page, gateway and server, drawn to time.
 *
 * Time runs downwards in proportion, with two exceptions that the drawing shows: moments are never closer than
 * `rowMin`, or nothing could be read, and a gap longer than `rowMax` is shortened and marked with its length. What
 * happens at the server is not observed; it is put about half a handshake before or after the gateway's own note, and
 * its arrows are marked as derived.
 */

import type { ColouredHop, Story, StoryChunk } from "./story.ts";

export type Lane = "page" | "gateway" | "server";

export interface Arrow {
  readonly from: Lane;
  readonly to: Lane;
  readonly hop: ColouredHop;
  readonly label: string;
  readonly fromY: number;
  readonly toY: number;
  /** One of its ends is not an observed time. */
  readonly isDerived: boolean;
  /** It tells of a failure. */
  readonly isFailure: boolean;
  /** The chunk that it carries. */
  readonly chunk: number | undefined;
}

export interface Tick {
  readonly y: number;
  readonly ms: number;
}

/** A stretch of time that is drawn shorter than it was. */
interface Gap {
  readonly y: number;
  readonly ms: number;
}

export interface Sequence {
  readonly arrows: readonly Arrow[];
  readonly ticks: readonly Tick[];
  readonly gaps: readonly Gap[];
  readonly height: number;
}

type Timed = Omit<Arrow, "fromY" | "toY"> & { readonly fromMs: number; readonly toMs: number };

const rowMin = 14;
const rowMax = 72;
const bodyHeight = 300;
const top = 12;

/** Lays out the diagram of a story. */
export function layOut(story: Story): Sequence {
  const timed = [...opening(story), ...reply(story), ...ending(story)];
  const times = [...new Set(timed.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].toSorted((a, b) => a - b);
  const { yOf, gaps, height } = scale(times);
  const arrows = timed.map(({ fromMs, toMs, ...rest }) => ({ ...rest, fromY: yOf(fromMs), toY: yOf(toMs) }));
  return { arrows, ticks: times.map((ms) => ({ ms, y: yOf(ms) })), gaps, height };
}

function arrow(from: Lane, to: Lane, fromMs: number, toMs: number, label: string, more: Partial<Timed> = {}): Timed {
  const hop = from === "page" || to === "page" ? "page-gateway" : "gateway-server";
  return { from, to, hop, fromMs, toMs, label, isDerived: false, isFailure: false, chunk: undefined, ...more };
}

/**
 * Half of the time that the handshake took is the best guess for one way. It may be too long, when a program was busy
 * and saw the end of the handshake late: the answer cannot have left before the message arrived.
 */
function oneWayMs({ at }: Story): number {
  if (at.established === undefined || at.connecting === undefined) return 0;
  const answerMs = at.firstByte ?? at.fin ?? Infinity;
  return Math.max(0, Math.min(at.established - at.connecting, answerMs - (at.written ?? at.established)) / 2);
}

function opening(story: Story): Timed[] {
  const { at, openedMs, requestBytes, messageBytes } = story;
  const arrows = [
    arrow("page", "gateway", 0, at.received ?? 0, `text frame, ${requestBytes} B`, {
      isDerived: at.received === undefined,
    }),
  ];
  const oneWay = oneWayMs(story);
  if (at.connecting !== undefined) {
    const reachedMs = at.connecting + oneWay;
    const isFailure = at.established === undefined && story.end === "error";
    arrows.push(arrow("gateway", "server", at.connecting, reachedMs, "connect", { isDerived: true, isFailure }));
    if (at.established !== undefined) {
      arrows.push(arrow("server", "gateway", reachedMs, at.established, "established", { isDerived: true }));
    }
  }
  if (openedMs !== undefined) arrows.push(arrow("gateway", "page", at.established ?? openedMs, openedMs, "open"));
  if (at.written !== undefined) {
    arrows.push(
      arrow("gateway", "server", at.written, at.written + oneWay, `message, ${messageBytes} B`, { isDerived: true }),
    );
  }
  return arrows;
}

function reply(story: Story): Timed[] {
  const { count, fromMs } = story.omitted;
  const arrows = story.chunks.flatMap((chunk) => chunkArrows(chunk, oneWayMs(story)));
  if (count === 0) return arrows;
  return [...arrows, arrow("gateway", "page", fromMs, fromMs, `${count} more`, { isDerived: true })];
}

function chunkArrows({ index, bytes, readMs, arrivedMs, frameBytes }: StoryChunk, oneWay: number): Timed[] {
  const label = `binary, ${frameBytes} B`;
  const more = { chunk: index, isDerived: true };
  if (readMs === undefined) return [arrow("gateway", "page", arrivedMs, arrivedMs, label, more)];
  return [
    arrow("server", "gateway", readMs - oneWay, readMs, `chunk ${index + 1}, ${bytes} B`, more),
    arrow("gateway", "page", readMs, arrivedMs, label, { chunk: index }),
  ];
}

function ending(story: Story): Timed[] {
  const { at, endedMs, end } = story;
  const arrows: Timed[] = [];
  if (at.fin !== undefined)
    arrows.push(arrow("server", "gateway", at.fin - oneWayMs(story), at.fin, "FIN", { isDerived: true }));
  const closedMs = at.closed ?? at.fin ?? endedMs;
  if (end === "error" && story.failedHop === "gateway-server" && closedMs !== undefined) {
    const label = story.isRefusedConnection ? "refused" : "failed";
    arrows.push(arrow("server", "gateway", closedMs, closedMs, label, { isDerived: true, isFailure: true }));
  }
  if (endedMs === undefined) return arrows;
  if (end === "lost") {
    arrows.push(arrow("gateway", "page", endedMs, endedMs, "connection lost", { isFailure: true, isDerived: true }));
  } else if (closedMs !== undefined) {
    arrows.push(arrow("gateway", "page", closedMs, endedMs, end, { isFailure: end === "error" }));
  }
  return arrows;
}

/** Where each time stands, from the top. */
function scale(times: readonly number[]): { yOf: (ms: number) => number; gaps: Gap[]; height: number } {
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const ys = new Map<number, number>();
  const gaps: Gap[] = [];
  let y = top;
  times.forEach((ms, index) => {
    const gapMs = index === 0 ? 0 : ms - (times[index - 1] as number);
    const proportional = spanMs === 0 ? 0 : (gapMs / spanMs) * bodyHeight;
    const drawn = index === 0 ? 0 : Math.min(rowMax, Math.max(rowMin, proportional));
    if (proportional > rowMax) gaps.push({ y: y + drawn / 2, ms: gapMs });
    y += drawn;
    ys.set(ms, y);
  });
  return { yOf: (ms) => ys.get(ms) ?? top, gaps, height: y + top };
}
