/** Where the lanes of the sequence diagram stand, and what is drawn between them; in pixels. */

import type { Arrow, Lane, Tick } from "./sequence.ts";

/** The time axis; its labels are on its left. */
export const axisX = 72;

const laneMargin = 44;
/** The line of the history stands beside the lane of the server. */
const rightMargin = 72;
const spanMin = 160;
const headLength = 7;
const headAngle = 0.4;
const labelDistance = 16;

/** Where each lane stands in a diagram of some width; one that is too narrow is cut on its right. */
export function lanesWithin(width: number): Readonly<Record<Lane, number>> {
  const page = axisX + laneMargin;
  const server = Math.max(page + spanMin, width - rightMargin);
  return { page, gateway: (page + server) / 2, server };
}

/** The corners of an arrow's head, as `points` of a polygon. */
export function arrowHeadOf({ from, to, fromY, toY }: Arrow, lanes: Readonly<Record<Lane, number>>): string {
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

export interface Label {
  readonly text: string;
  /** Its middle. */
  readonly x: number;
  readonly y: number;
  /** How far it is turned around its middle, in degrees. */
  readonly degrees: number;
  readonly width: number;
  readonly height: number;
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
/** Places along a steep arrow, as parts of its length; the middle is preferred. */
const places = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78];

/**
 * Places the label of each arrow, in their order, so that no line runs through a word and no two words overlap.
 *
 * A flat arrow carries its label above itself, turned as the arrow is. A steep one is interrupted by its label, which
 * stays level; where another label is in the way it moves along the arrow.
 */
export function placeLabels(arrows: readonly Arrow[], lanes: Readonly<Record<Lane, number>>): readonly Label[] {
  const placed: Label[] = [];
  for (const arrow of arrows) {
    const candidates = candidatesFor(arrow, lanes);
    const overlaps = candidates.map((each) => placed.reduce((sum, other) => sum + overlap(each, other), 0));
    placed.push(candidates[overlaps.indexOf(Math.min(...overlaps))] as Label);
  }
  return placed;
}

function candidatesFor({ label, from, to, fromY, toY }: Arrow, lanes: Readonly<Record<Lane, number>>): Label[] {
  const [left, right] = lanes[from] < lanes[to] ? [lanes[from], lanes[to]] : [lanes[to], lanes[from]];
  const [leftY, rightY] = lanes[from] < lanes[to] ? [fromY, toY] : [toY, fromY];
  const angle = Math.atan2(rightY - leftY, right - left);
  const degrees = (angle * 180) / Math.PI;
  const isFlat = Math.abs(degrees) <= flatDegreesMax;
  const width = label.length * characterWidth + 2 * sidePadding;
  return (isFlat ? [0.5] : places).map((part) => ({
    text: label,
    x: left + (right - left) * part + (isFlat ? lift * Math.sin(angle) : 0),
    y: leftY + (rightY - leftY) * part - (isFlat ? lift * Math.cos(angle) : 0),
    degrees: isFlat ? degrees : 0,
    width,
    height: isFlat ? flatHeight : lineHeight,
  }));
}

/** Square pixels that two labels share, as if neither were turned. */
function overlap(one: Label, other: Label): number {
  return shared(one.x, one.width, other.x, other.width) * shared(one.y, one.height, other.y, other.height);
}

/** Pixels that two stretches share, each given by its middle and its length. */
function shared(middle: number, length: number, otherMiddle: number, otherLength: number): number {
  const end = Math.min(middle + length / 2, otherMiddle + otherLength / 2);
  return Math.max(0, end - Math.max(middle - length / 2, otherMiddle - otherLength / 2));
}
