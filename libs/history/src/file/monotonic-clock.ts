/** The times at the heads of lines: they strictly increase, so that a time is also a line's identity [H-2]. */

import { encodeTime } from "@wirebook/protocol";

/** Milliseconds by which the two clocks of the system may differ before the wall clock counts as having been set. */
const driftMsMax = 2;

/** Gives each time once. A clock that stands still or steps back gets the last time plus one microsecond. */
export class MonotonicClock {
  readonly #clock: () => number;
  #last: number;

  /** @param last microseconds of the last time in the file */
  constructor(clock: () => number, last: number) {
    this.#clock = clock;
    this.#last = last;
  }

  next(): string {
    this.#last = Math.max(this.#clock(), this.#last + 1);
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
