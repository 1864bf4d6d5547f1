import type { GatewayLimits } from "../limits.ts";
import { FrameError } from "./errors.ts";

/** How many frames one page may send, and how many of them may be faulty [G-4]. */
export class RateLimiter {
  readonly #limits: GatewayLimits;
  readonly #frames: TokenBucket;
  #faults: TokenBucket | undefined;

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
    this.#frames = new TokenBucket(limits.frameBurstMax, limits.framesPerSecondMax);
  }

  /** Counts a frame. When it is one too many, returns the error with which to close the WebSocket. */
  take(nowMs: number): FrameError | undefined {
    if (this.#frames.take(nowMs)) return undefined;
    const { framesPerSecondMax } = this.#limits;
    return new FrameError("frame-rate", null, `more than ${framesPerSecondMax} frames within a second; send fewer`);
  }

  /** Counts a frame that was refused; false when only a broken page sends such a frame, and it is one too many. */
  allowsFault(error: FrameError, nowMs: number): boolean {
    if (!error.isFault) return true;
    this.#faults ??= new TokenBucket(this.#limits.faultBurstMax, 1, nowMs);
    return this.#faults.take(nowMs);
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
}
