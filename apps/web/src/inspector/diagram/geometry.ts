/** Where the lanes of the sequence diagram stand, and what is drawn between them; in pixels. */

import type { Arrow, Tick } from "./sequence.ts";

/** The time axis; its labels are on its left. */
export const axisX = 64;

/** From the axis to the first lane, and from the last one to the edge, where the line of the history stands. */
const margins = { wide: [40, 72], narrow: [24, 48] } as const;
const narrowBelow = 440;
const spanMin = 120;
const headLength = 7;
const headAngle = 0.4;
const labelDistance = 16;

/** Pixels from the left edge to each lane. */
type Lanes = readonly [number, number, number];

/** Where each lane stands in a diagram of some width; one that is too narrow is cut on its right. */
export function lanesWithin(width: number): Lanes {
  const [left, right] = width < narrowBelow ? margins.narrow : margins.wide;
  const first = axisX + left;
  const last = Math.max(first + spanMin, width - right);
  return [first, (first + last) / 2, last];
}

/** The corners of an arrow's head, as `points` of a polygon. */
export function arrowHeadOf({ from, to, fromY, toY }: Arrow, lanes: Lanes): string {
  const angle = Math.atan2(toY - fromY, lanes[to] - lanes[from]);
  const corner = (turn: number) => {
    const x = lanes[to] - headLength * Math.cos(angle + turn);
    const y = toY - headLength * Math.sin(angle + turn);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  return `${lanes[to]},${toY} ${corner(headAngle)} ${corner(-headAngle)}`;
}

/** The ticks that get a label: those that keep their distance from the one above. */
export function spaced(ticks: readonly Tick[]): readonly Tick[] {
  const kept: Tick[] = [];
  for (const tick of ticks) if (tick.y - (kept.at(-1)?.y ?? -labelDistance) >= labelDistance) kept.push(tick);
  return kept;
}

const pad = (value: number) => String(Math.floor(value)).padStart(2, "0");

/** A time on the axis, in at most nine characters: `0.42`, `12:05.3`, `3:12:05`, `2d 03:12`. */
export function axisTime(ms: number): string {
  const [seconds, minutes, hours] = [ms / 1000, ms / 60_000, ms / 3_600_000];
  if (ms < 10_000) return ms.toFixed(2);
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  if (minutes < 60) return `${Math.floor(minutes)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
  if (hours < 24) return `${Math.floor(hours)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
  return `${Math.floor(hours / 24)}d ${pad(hours % 24)}:${pad(minutes % 60)}`;
}

export interface Label {
  readonly text: string;
  /** Its middle. */
  readonly x: number;
  readonly y: number;
  /** How far it is turned around its middle, in degrees. */
  readonly degrees: number;
  readonly width: number;
  readonly height: number;
  /** True where no place was free: it covers another one, and is drawn only while its arrow is lit. */
  readonly isCovering: boolean;
}

/** Of the drawing's 11 px monospaced font: the advance of a character, and what a line of it covers. */
const characterWidth = 6.7;
const lineHeight = 12;
/** Between two flat arrows there is less room, and capitals need no more. */
const flatHeight = 10;
const sidePadding = 2;

/** From the line of a flat arrow to the middle of its label. */
const lift = 7;
/** A label turned further than this is harder to read than a level one. */
const flatDegreesMax = 20;
/** Places along an arrow, as parts of its length; the middle is preferred. */
const places = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78] as const;

/**
 * Places the label of each arrow, in their order, so that no line runs through a word and no two words overlap.
 *
 * A flat arrow carries its label above itself, turned as the arrow is. A steep one is interrupted by its label, which
 * stays level. Where another label is in the way it moves along the arrow.
 */
export function placeLabels(arrows: readonly Arrow[], lanes: Lanes): readonly Label[] {
  const placed: Label[] = [];
  for (const arrow of arrows) {
    const candidates = candidatesFor(arrow, lanes);
    const free = candidates.find((each) => placed.every((other) => other.isCovering || !overlaps(each, other)));
    placed.push(free ?? { ...(candidates[0] as Label), isCovering: true });
  }
  return placed;
}

function candidatesFor({ label, from, to, fromY, toY }: Arrow, lanes: Lanes): Label[] {
  const [left, right] = lanes[from] < lanes[to] ? [lanes[from], lanes[to]] : [lanes[to], lanes[from]];
  const [leftY, rightY] = lanes[from] < lanes[to] ? [fromY, toY] : [toY, fromY];
  const angle = Math.atan2(rightY - leftY, right - left);
  const degrees = (angle * 180) / Math.PI;
  const isFlat = Math.abs(degrees) <= flatDegreesMax;
  const width = label.length * characterWidth + 2 * sidePadding;
  return places.map((part) => ({
    text: label,
    x: left + (right - left) * part + (isFlat ? lift * Math.sin(angle) : 0),
    y: leftY + (rightY - leftY) * part - (isFlat ? lift * Math.cos(angle) : 0),
    degrees: isFlat ? degrees : 0,
    width,
    height: isFlat ? flatHeight : lineHeight,
    isCovering: false,
  }));
}

/** True when two labels meet in the stretch that both are in, each along its own slope. */
function overlaps(one: Label, other: Label): boolean {
  const from = Math.max(one.x - one.width / 2, other.x - other.width / 2);
  const to = Math.min(one.x + one.width / 2, other.x + other.width / 2);
  if (from >= to) return false;
  const [atFrom, atTo] = [middleAt(one, from) - middleAt(other, from), middleAt(one, to) - middleAt(other, to)];
  const isCrossing = atFrom * atTo <= 0;
  return isCrossing || Math.min(Math.abs(atFrom), Math.abs(atTo)) < (one.height + other.height) / 2;
}

function middleAt({ x, y, degrees }: Label, at: number): number {
  return y + Math.tan((degrees * Math.PI) / 180) * (at - x);
}
