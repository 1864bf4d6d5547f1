/** Clock round trips that are remembered; the best of them counts. */
export const clockRoundsKept = 16;

/** Both in milliseconds. */
export interface ClockReading {
  /** What to take from a time of the gateway to get the page's. */
  readonly offsetMs: number;
  /** How wrong that may be, to either side. */
  readonly errorMs: number;
}

/**
 * How the gateway's clock relates to the page's.
 *
 * Both are monotonic and count from an arbitrary zero. A `clock` frame goes out at page time `sent`, the gateway notes
 * its own time, and the answer is back at page time `received`. The gateway's note belongs somewhere between the two;
 * taking the middle is wrong by at most half of the round trip (Cristian's algorithm). So the round trip that was the
 * shortest is the best, and its half is the error that the page states.
 */
export class GatewayClock {
  #readings: ClockReading[] = [];

  /** Notes a round trip and returns the best reading so far. */
  add(sentMs: number, gatewayMs: number, receivedMs: number): ClockReading {
    const reading = { offsetMs: gatewayMs - (sentMs + receivedMs) / 2, errorMs: (receivedMs - sentMs) / 2 };
    // Clocks drift, so old readings are dropped even when they were good.
    this.#readings = [...this.#readings, reading].slice(-clockRoundsKept);
    return this.#readings.reduce((best, each) => (each.errorMs < best.errorMs ? each : best));
  }
}
