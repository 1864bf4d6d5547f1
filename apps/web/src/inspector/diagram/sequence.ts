/**
 * The sequence diagram: where each arrow stands, drawn to time.
 *
 * Time runs downwards in proportion, with two exceptions that the drawing shows: moments are never closer than
 * `rowMin`, or nothing could be read, and a gap longer than `rowMax` is shortened and marked with its length. The scale
 * is the largest with which the drawing fits its box.
 */

import { arrowsOf } from "./arrows.ts";
import type { DrawnRows, TimedArrow } from "./arrows.ts";
import type { Timeline } from "../timeline/timeline.ts";

export interface Arrow extends TimedArrow {
  readonly fromY: number;
  readonly toY: number;
}

export interface Tick {
  readonly y: number;
  readonly ms: number;
}

/** A wait that is drawn shorter than it was. */
interface Gap {
  readonly y: number;
  readonly ms: number;
}

export interface Sequence {
  readonly arrows: readonly Arrow[];
  readonly ticks: readonly Tick[];
  readonly gaps: readonly Gap[];
  /** Where the server has the line: between the arrival of the message and the answer. Derived, like both. */
  readonly lineY: number | undefined;
  readonly height: number;
}

const rowMin = 14;
const rowMax = 72;
const top = 12;
/** The scale is looked for in steps: a length of so many pixels for the whole time, then less of it each time. */
const bodyMax = 300;
const bodyStep = 0.8;

/** @param room pixels that the drawing should not be higher than */
export function layOut(timeline: Timeline, drawn: DrawnRows, room = Infinity): Sequence {
  const timed = arrowsOf(timeline, drawn);
  const times = [...new Set(timed.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].toSorted((a, b) => a - b);
  let body = bodyMax;
  let { yOf, gaps, height } = scale(times, body);
  while (height > room && body > rowMin) ({ yOf, gaps, height } = scale(times, (body *= bodyStep)));
  const arrows = timed.map((arrow) => ({ ...arrow, fromY: yOf(arrow.fromMs), toY: yOf(arrow.toMs) }));
  const ticks = times.map((ms) => ({ ms, y: yOf(ms) }));
  return { arrows, ticks, gaps, height, lineY: lineY(arrows) };
}

function lineY(arrows: readonly Arrow[]): number | undefined {
  const last = arrows.findLast(({ to, span }) => to === 2 && span !== undefined);
  const answer = arrows.find(({ from, toY }) => from === 2 && toY > (last?.toY ?? Infinity));
  return last && (last.toY + (answer?.fromY ?? last.toY)) / 2;
}

/** Where each time stands, from the top; times between two moments are interpolated. */
function scale(
  times: readonly number[],
  bodyHeight: number,
): { yOf: (ms: number) => number; gaps: Gap[]; height: number } {
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const ys: number[] = [];
  const gaps: Gap[] = [];
  let y = top;
  times.forEach((ms, index) => {
    const gapMs = index === 0 ? 0 : ms - (times[index - 1] as number);
    const proportional = spanMs === 0 ? 0 : (gapMs / spanMs) * bodyHeight;
    const drawn = index === 0 ? 0 : Math.min(rowMax, Math.max(rowMin, proportional));
    if (proportional > rowMax) gaps.push({ y: y + drawn / 2, ms: gapMs });
    y += drawn;
    ys.push(y);
  });
  return { yOf: (ms) => interpolate(times, ys, ms), gaps, height: y + top };
}

function interpolate(times: readonly number[], ys: readonly number[], ms: number): number {
  const next = times.findIndex((time) => time >= ms);
  if (next < 0) return ys.at(-1) ?? top;
  const [nextMs = 0, nextY = top] = [times[next], ys[next]];
  const [lastMs, lastY] = [times[next - 1], ys[next - 1]];
  if (nextMs === ms || lastMs === undefined || lastY === undefined) return nextY;
  return lastY + ((ms - lastMs) / (nextMs - lastMs)) * (nextY - lastY);
}
