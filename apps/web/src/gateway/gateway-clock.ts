/** Clock round trips that are remembered. */
export const clockRoundsKept = 16;

export interface ClockReading {
  /** To take from a time of the gateway to get the page's. */
  readonly offsetMs: number;
  /** How wrong that may be, to either side. */
  readonly errorMs: number;
}

/**
 * How the gateway's monotonic clock relates to the page's. The gateway's time in a `clock` frame belongs somewhere between
 * sending and receiving; taking the middle is wrong by at most half of the round trip (Cristian's algorithm).
 */
export class GatewayClock {
  #readings: ClockReading[] = [];

  /** Notes a round trip, and returns the reading of the shortest one. */
  add(sentMs: number, gatewayMs: number, receivedMs: number): ClockReading {
    const reading = { offsetMs: gatewayMs - (sentMs + receivedMs) / 2, errorMs: (receivedMs - sentMs) / 2 };
    // Clocks drift, so old readings are dropped even when they were good.
    this.#readings = [...this.#readings, reading].slice(-clockRoundsKept);
    return this.#readings.reduce((best, each) => (each.errorMs < best.errorMs ? each : best));
  }
}
