/**
 * Goes to the first line from a time on.
 *
 * Times increase with positions, so a line is found by halving the range in which it may be. Each step reads a page of lines
 * and learns on which side to look on. Lines without a time, which other programs wrote, are taken to be older than those
 * that have one.
 */

import type { Streams } from "../../streams/streams.svelte.ts";
import { historyPageLines, locateReadsMax } from "../../limits.ts";
import { timeOf } from "../view/line-text.ts";
import type { HistoryReplica, LineRange } from "./history-replica.ts";
import type { History } from "./history.svelte.ts";
import { readInto } from "./range-read.ts";

export class TimeJump {
  /** The time that is looked for or was not found; `""` for none. */
  time = $state("");
  /** True when the lines could not be read. */
  hasFailed = $state(false);
  readonly #streams: Streams;
  readonly #history: History;
  readonly #reveal: (position: number) => void;

  /** @param reveal brings a line into view */
  constructor(streams: Streams, history: History, reveal: (position: number) => void) {
    this.#streams = streams;
    this.#history = history;
    this.#reveal = reveal;
  }

  async goTo(time: string): Promise<void> {
    const { current, user } = this.#history;
    this.time = time;
    this.hasFailed = false;
    const read = (range: LineRange) =>
      readInto(this.#streams, current, { user, ...range, purpose: "to find a line by its time" });
    const position = await locate(current, time, read);
    if (this.time !== time) return;
    this.#history.mark();
    this.hasFailed = position === undefined;
    if (position === undefined) return;
    this.time = "";
    if (position > 0) this.#reveal(position);
  }

  dismiss(): void {
    this.time = "";
    this.hasFailed = false;
  }
}

/**
 * The first line from a time on, or the last one. `undefined` when the lines could not be read.
 *
 * @param read reads lines into the replica; false when that failed
 */
export async function locate(
  replica: HistoryReplica,
  time: string,
  read: (range: LineRange) => Promise<boolean>,
): Promise<number | undefined> {
  const low = replica.mark(1);
  const high = replica.mark(replica.last);
  try {
    for (let reads = 0; reads < locateReadsMax; reads++) {
      if (low.position > high.position) return Math.min(low.position, replica.last);
      // New lines are looked for more often than old ones, and the newest are held.
      const probe = reads === 0 ? high.position : Math.floor((low.position + high.position) / 2);
      if (replica.at(probe) === undefined && !(await read(replica.gapAround(probe, historyPageLines))))
        return undefined;
      const range = heldAround(replica, Math.min(probe, high.position), low.position, high.position);
      const timed = positionsOf(range).filter((position) => timeAt(replica, position) !== "");
      const [first, last] = [timed[0], timed.at(-1)];
      if (first === undefined || last === undefined || time > timeAt(replica, last)) low.position = range.to + 1;
      else if (time < timeAt(replica, first)) high.position = first - 1;
      else return timed.find((each) => timeAt(replica, each) >= time);
    }
    return undefined;
  } finally {
    replica.unmark(low);
    replica.unmark(high);
  }
}

/** The held lines around a position without a gap, at most a page on each side. */
function heldAround(replica: HistoryReplica, probe: number, low: number, high: number): LineRange {
  let from = probe;
  let to = probe;
  while (from > low && probe - from < historyPageLines && replica.at(from - 1) !== undefined) from -= 1;
  while (to < high && to - probe < historyPageLines && replica.at(to + 1) !== undefined) to += 1;
  return { from, to };
}

function positionsOf({ from, to }: LineRange): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function timeAt(replica: HistoryReplica, position: number): string {
  return timeOf(replica.at(position) ?? "");
}
