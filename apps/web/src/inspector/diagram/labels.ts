/**
 * Where the label of each arrow stands, so that no line runs through a word and no two words overlap.
 *
 * A flat arrow carries its label above itself, turned as the arrow is. A steep one is interrupted by its label, which
 * stays level; where another label is in the way it moves along the arrow.
 */

import type { Arrow, Lane } from "./sequence.ts";

/** A label, in pixels of the drawing. */
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

/** Places the labels of all arrows, in their order. */
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
