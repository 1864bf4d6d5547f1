/**
 * Finds the line with a time, which is its identity, wherever it stands now.
 *
 * Times increase with positions, so a few pages read where the time should be are enough: each tells on which side to
 * look on. Lines without a time, which other programs wrote, are taken to be older than those that have one.
 */

import { decodeTime } from "@wirebook/protocol";
import { historyPageLines, locateReadsMax } from "../../limits.ts";
import type { HistoryReplica } from "./history-replica.ts";
import { timeOf } from "../view/line-sketch.ts";

/** Of so many guesses the last halves what is left. */
const halvingEvery = 3;

/** Where the line is, or where it was: `isGone` with the position of the line behind it. */
export interface Located {
  readonly position: number;
  readonly isGone: boolean;
}

/** Some of the lines that are held without a gap, and the first and the last of them that have a time. */
interface TimeRange {
  readonly from: number;
  readonly to: number;
  readonly timedFrom: number;
  readonly fromTime: string;
  readonly toTime: string;
}

/**
 * Looks for a line. `undefined` when the lines could not be read.
 *
 * @param read reads lines into the copy; false when that failed
 */
export async function locate(
  copy: HistoryReplica,
  time: string,
  read: (from: number, to: number) => Promise<boolean>,
): Promise<Located | undefined> {
  const low = copy.mark(copy.floor);
  const high = copy.mark(copy.last);
  let lowTime: number | undefined;
  let highTime: number | undefined;
  try {
    for (let reads = 0; reads < locateReadsMax; reads++) {
      if (low.position > high.position) return { position: Math.min(low.position, copy.last), isGone: true };
      const middle = Math.floor((low.position + high.position) / 2);
      // Where times come in bursts, proportion alone would come near from one side only, a page at a time.
      const isHalving = reads % halvingEvery === halvingEvery - 1;
      const probe = isHalving ? middle : guess(low.position, high.position, lowTime, highTime, decodeTime(time) ?? 0);
      if (copy.at(probe) === undefined) {
        const { from, to } = copy.gapAround(probe, historyPageLines);
        if (!(await read(from, to))) return undefined;
      }
      const stretch = stretchAround(copy, Math.min(probe, high.position), low.position, high.position);
      if (stretch.toTime === "" || time > stretch.toTime) {
        low.position = stretch.to + 1;
        lowTime = decodeTime(stretch.toTime);
      } else if (time < stretch.fromTime) {
        high.position = stretch.timedFrom - 1;
        highTime = decodeTime(stretch.fromTime);
      } else return search(copy, stretch, time);
    }
    return undefined;
  } finally {
    copy.unmark(low);
    copy.unmark(high);
  }
}

/** Between two known times in proportion; otherwise the ends first, the newest before the oldest. */
function guess(
  low: number,
  high: number,
  lowTime: number | undefined,
  highTime: number | undefined,
  wanted: number,
): number {
  if (highTime === undefined) return high;
  if (lowTime === undefined || highTime <= lowTime) return low === 1 ? 1 : Math.floor((low + high) / 2);
  const part = (wanted - lowTime) / (highTime - lowTime);
  return Math.max(low, Math.min(high, Math.round(low + part * (high - low))));
}

/** What is beyond `low` and `high` is known to be of no interest. */
function stretchAround(copy: HistoryReplica, probe: number, low: number, high: number): TimeRange {
  let from = probe;
  let to = probe;
  while (from > low && probe - from < historyPageLines && copy.at(from - 1) !== undefined) from -= 1;
  while (to < high && to - probe < historyPageLines && copy.at(to + 1) !== undefined) to += 1;
  let timedFrom = from;
  let timedTo = to;
  while (timedFrom < to && timeAt(copy, timedFrom) === "") timedFrom += 1;
  while (timedTo > from && timeAt(copy, timedTo) === "") timedTo -= 1;
  return { from, to, timedFrom, fromTime: timeAt(copy, timedFrom), toTime: timeAt(copy, timedTo) };
}

function timeAt(copy: HistoryReplica, position: number): string {
  return timeOf(copy.at(position) ?? "");
}

function search(copy: HistoryReplica, { from, to }: TimeRange, time: string): Located {
  for (let position = from; position <= to; position++) {
    const found = timeAt(copy, position);
    if (found >= time) return { position, isGone: found !== time };
  }
  return { position: to, isGone: true };
}
