/** Where the lanes of the sequence diagram stand, and what is drawn between them; in pixels. */

import type { Arrow, Lane, Tick } from "./sequence.ts";

/** Where the axis of time stands; its labels are on its left. */
export const axisX = 72;

const laneMargin = 44;
/** Beside the lane of the server stands what it wrote into the history. */
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
