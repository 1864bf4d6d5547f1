/** What bounds the clients of a gateway. */

import type { EventEmitter } from "node:events";

/** How many sockets are open by key. */
export class Tally {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts one until it is closed. */
  add(key: string, socket: EventEmitter): void {
    this.#counts.set(key, this.of(key) + 1);
    socket.once("close", () => {
      const left = this.of(key) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    });
  }
}

/** A rate with a burst: tokens come back steadily, up to the burst, and each event takes one. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledMs: number;

  constructor(burst: number, perSecond: number, nowMs: number = performance.now()) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#filledMs = nowMs;
  }

  /** Takes a token; false when there is none, and then nothing is taken. */
  take(nowMs: number = performance.now()): boolean {
    const refilled = ((nowMs - this.#filledMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + refilled);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Gives one back that was taken for nothing. */
  give(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }
}

/** A map with a bound: whatever was set longest ago goes first. */
export class RecentMap<Value> {
  readonly #max: number;
  readonly #values = new Map<string, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** Sets a value, and returns the one that had to go for it. */
  set(key: string, value: Value): Value | undefined {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#max) return undefined;
    const [[oldest, dropped] = []] = this.#values;
    if (oldest !== undefined) this.#values.delete(oldest);
    return dropped;
  }
}
