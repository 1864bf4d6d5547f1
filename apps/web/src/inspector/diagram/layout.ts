/**
 * Where each arrow of the sequence diagram stands, and its label; in pixels. Time runs downwards in proportion, but moments
 * are never closer than `rowMin`, and a gap longer than `rowMax` is shortened and marked with its length.
 */

import type { TimedArrow } from "./arrows.ts";

export interface Arrow extends TimedArrow {
  readonly fromY: number;
  readonly toY: number;
}

const rowMin = 14;
const rowMax = 72;
const top = 12;
/** Pixels for the whole time, then less of it each time, until the drawing fits. */
const bodyMax = 300;
const bodyStep = 0.8;

export function layOut(timed: readonly TimedArrow[], room = Infinity) {
  const times = [...new Set(timed.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].toSorted((a, b) => a - b);
  let body = bodyMax;
  let scale = scaleOf(times, body);
  while (scale.height > room && body > rowMin) scale = scaleOf(times, (body *= bodyStep));
  const ys = new Map(scale.ticks.map(({ ms, y }) => [ms, y]));
  const yOf = (ms: number) => ys.get(ms) ?? top;
  const arrows: Arrow[] = timed.map((each) => ({ ...each, fromY: yOf(each.fromMs), toY: yOf(each.toMs) }));
  return { ...scale, arrows };
}

/** A tick for each moment; a gap for each wait that is drawn shorter than it was. */
function scaleOf(times: readonly number[], bodyHeight: number) {
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const ticks: { y: number; ms: number }[] = [];
  const gaps: { y: number; ms: number }[] = [];
  let y = top;
  for (const ms of times) {
    const sinceMs = ms - (ticks.at(-1)?.ms ?? ms);
    const proportional = spanMs === 0 ? 0 : (sinceMs / spanMs) * bodyHeight;
    const drawn = ticks.length === 0 ? 0 : Math.min(rowMax, Math.max(rowMin, proportional));
    if (proportional > rowMax) gaps.push({ y: y + drawn / 2, ms: sinceMs });
    y += drawn;
    ticks.push({ y, ms });
  }
  return { ticks, gaps, height: y + top };
}

export const axisX = 76;

/** Beside the lanes: half of a lane's name. */
const marginMax = 40;
const laneDistanceMin = 60;

type Lanes = readonly [number, number, number];

/** Pixels from the left edge to each lane; a diagram that is too narrow is cut on its right. */
export function lanesWithin(width: number): Lanes {
  const margin = Math.min(marginMax, width / 12);
  const first = axisX + margin;
  const distance = Math.max(laneDistanceMin, (width - margin - first) / 2);
  return [first, first + distance, first + 2 * distance];
}

interface Label {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** True where no place was free: it covers another one, and is drawn only while its arrow is lit. */
  readonly isCovering: boolean;
}

/** Of the drawing's 11 px monospaced font: the advance of a character, and what a line of it covers. */
const characterWidth = 6.7;
const labelHeight = 12;
/** From an arrow to the letters above it; more above a slanted one, so that it does not run through them. */
const liftMin = 3;
const liftMax = 15;

/** Places the label of each arrow above its middle, in their order; where another one is in the way it moves along the arrow. */
export function placeLabels(arrows: readonly Arrow[], lanes: Lanes): readonly Label[] {
  const placed: Label[] = [];
  for (const { label: text, from, to, fromY, toY } of arrows) {
    const width = text.length * characterWidth;
    const [across, down] = [lanes[to] - lanes[from], toY - fromY];
    const lift = Math.min(liftMax, liftMin + (Math.abs(down / across) * width) / 2);
    const at = (part: number, isCovering = false): Label => {
      return { text, width, x: lanes[from] + across * part, y: fromY + down * part - lift, isCovering };
    };
    const isFree = (one: Label) => !placed.some((other) => !other.isCovering && overlaps(one, other));
    placed.push([0.5, 0.35, 0.65, 0.22, 0.78].map((part) => at(part)).find(isFree) ?? at(0.5, true));
  }
  return placed;
}

function overlaps(one: Label, other: Label): boolean {
  return Math.abs(one.x - other.x) < (one.width + other.width) / 2 && Math.abs(one.y - other.y) < labelHeight;
}
