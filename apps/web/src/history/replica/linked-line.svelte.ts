/**
 * The line that the page's address leads to: `#line=2026-11-22T20:31:05.123456Z`, since a time is a line's identity.
 *
 * Times increase with positions, so a line is found by halving the range in which it may be. Each step reads a page of lines
 * and learns on which side to look on. Lines without a time, which other programs wrote, are taken to be older than those
 * that have one.
 */

import { decodeTime } from "@wirebook/protocol";
import type { Streams } from "../../streams/streams.svelte.ts";
import { historyPageLines, locateReadsMax } from "../../limits.ts";
import { timeOf } from "../view/line-text.ts";
import type { HistoryReplica } from "./history-replica.ts";
import type { History } from "./history.svelte.ts";
import type { LineRange } from "./history-replica.ts";
import { readInto } from "./range-read.ts";

const parameter = "line";

/** The fragment that leads to the line with a time. */
export function encodeLineLink(time: string): string {
  return `#${parameter}=${time}`;
}

/** The time in a fragment; `undefined` when it leads to no line. */
export function decodeLineLink(fragment: string): string | undefined {
  const time = new URLSearchParams(fragment.replace(/^#/, "")).get(parameter) ?? "";
  return decodeTime(time) === undefined ? undefined : time;
}

/** Looks for the line of the address as soon as there is a history to look in. */
export class LinkedLine {
  /** Its time; `""` when the address leads to no line. */
  time = $state("");
  state = $state<"none" | "waiting" | "looking" | "found" | "gone" | "failed">("none");
  readonly #streams: Streams;
  readonly #history: History;
  readonly #reveal: (position: number) => void;
  /** False when the first line from then on is wanted, and not that very one. */
  #isExact = true;

  /** @param reveal brings a line into view */
  constructor(streams: Streams, history: History, reveal: (position: number) => void) {
    this.#streams = streams;
    this.#history = history;
    this.#reveal = reveal;
    history.onShown(() => this.state === "waiting" && void this.find());
  }

  /** Takes the fragment of the page's address. True when it leads to a line. */
  take(fragment: string): boolean {
    this.#isExact = true;
    this.#seek(decodeLineLink(fragment) ?? "");
    return this.time !== "";
  }

  /** Goes to the first line from a time on. */
  goTo(time: string): void {
    this.#isExact = false;
    this.#seek(time);
  }

  #seek(time: string): void {
    this.time = time;
    this.state = time === "" ? "none" : "waiting";
    if (time !== "" && this.#history.current.last > 0) void this.find();
  }

  /** Looks for it, and shows it where it stands now, or the place where it was. */
  async find(): Promise<void> {
    const { time } = this;
    const { current, user } = this.#history;
    this.state = "looking";
    const read = (range: LineRange) =>
      readInto(this.#streams, current, { user, ...range, purpose: "to find the line of the address" });
    const found = await locate(current, time, read);
    if (this.time !== time || this.state !== "looking") return;
    this.#history.mark();
    this.state = found === undefined ? "failed" : found.isGone && this.#isExact ? "gone" : "found";
    if (found !== undefined && found.position > 0) this.#reveal(found.position);
  }

  dismiss(): void {
    this.state = "none";
  }
}

/** Where a line is, or where it was: `isGone` with the position of the line behind it. */
export interface Located {
  readonly position: number;
  readonly isGone: boolean;
}

/**
 * Looks for the line with a time. `undefined` when the lines could not be read.
 *
 * @param read reads lines into the replica; false when that failed
 */
export async function locate(
  replica: HistoryReplica,
  time: string,
  read: (range: LineRange) => Promise<boolean>,
): Promise<Located | undefined> {
  const low = replica.mark(replica.floor);
  const high = replica.mark(replica.last);
  try {
    for (let reads = 0; reads < locateReadsMax; reads++) {
      if (low.position > high.position) return { position: Math.min(low.position, replica.last), isGone: true };
      // Links lead to new lines more often than to old ones, and the newest lines are held.
      const probe = reads === 0 ? high.position : Math.floor((low.position + high.position) / 2);
      if (replica.at(probe) === undefined && !(await read(replica.gapAround(probe, historyPageLines))))
        return undefined;
      const range = heldAround(replica, Math.min(probe, high.position), low.position, high.position);
      const timed = positionsOf(range).filter((position) => timeAt(replica, position) !== "");
      const [first, last] = [timed[0], timed.at(-1)];
      if (first === undefined || last === undefined || time > timeAt(replica, last)) low.position = range.to + 1;
      else if (time < timeAt(replica, first)) high.position = first - 1;
      else {
        const position = timed.find((each) => timeAt(replica, each) >= time) as number;
        return { position, isGone: timeAt(replica, position) !== time };
      }
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
