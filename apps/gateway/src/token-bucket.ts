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
