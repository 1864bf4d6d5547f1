/** The times at the heads of lines: they strictly increase, so that a time is also a line's identity [H-2]. */

import { decodeEntry, decodeTime, encodeTime } from "@wirebook/protocol";

/** Bytes at the end of a file in which the last time is looked for when it is opened. */
export const lastTimeBytes = 256 * 1024;

/** Milliseconds by which the two clocks of the system may differ before the wall clock counts as having been set. */
const driftMsMax = 2;

const timeCharacters = encodeTime(0).length;

/**
 * The first time that does not count [H-2]. Microseconds are whole numbers only until the year 2255, and years have four
 * digits: behind a line of the year 9999, as another program may write one, every time would be the same.
 */
const timeEnd = Date.UTC(2200, 0) * 1000;

/** Gives each time once. A clock that stands still or steps back gets the last time plus one microsecond. */
export class MonotonicClock {
  readonly #clock: () => number;
  #last: number;

  /** @param last microseconds of the last time in the file */
  constructor(clock: () => number, last: number) {
    this.#clock = clock;
    this.#last = last;
  }

  /** The last time that was given. */
  get last(): string {
    return encodeTime(this.#last);
  }

  next(): string {
    const now = this.#clock();
    this.#last = Math.max(now < timeEnd ? now : 0, this.#last + 1);
    return encodeTime(this.#last);
  }
}

/**
 * A clock of microseconds. `Date.now` has milliseconds only and `performance.now` does not notice when the clock is
 * set, so the second is laid over the first anew whenever they drift apart.
 */
export function createMicrosecondClock(): () => number {
  let originMs = performance.timeOrigin;
  return () => {
    const elapsedMs = performance.now();
    const wallMs = Date.now();
    if (Math.abs(originMs + elapsedMs - wallMs) > driftMsMax) originMs = wallMs - elapsedMs;
    return Math.floor((originMs + elapsedMs) * 1000);
  };
}

/** The greatest time in microseconds among the entries in these bytes; 0 when there is none but external lines. */
export function lastTimeIn(bytes: Uint8Array): number {
  let last = "";
  for (const line of Buffer.from(bytes).toString("latin1").split("\n").toReversed()) {
    // Times sort as text, and the last is the greatest unless it was written by hand: few lines get past this.
    if (line.slice(0, timeCharacters) <= last) continue;
    const entry = decodeEntry(line);
    if (entry.kind !== "external" && (decodeTime(entry.time) ?? timeEnd) < timeEnd) last = entry.time;
  }
  return decodeTime(last) ?? 0;
}
