import { FrameError } from "./frame-error.ts";
import type { GatewayLimits } from "../limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How many frames one page may send, and how many of them may make no sense [G-4]. */
export class FrameLimiter {
  readonly #limits: GatewayLimits;
  readonly #frames: TokenBucket;
  #faults: TokenBucket | undefined;

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
    this.#frames = new TokenBucket(limits.frameBurstMax, limits.framesPerSecondMax);
  }

  /** Counts a frame; returns the error for which the WebSocket is to be closed when it is one too many. */
  take(nowMs: number): FrameError | undefined {
    if (this.#frames.take(nowMs)) return undefined;
    const { framesPerSecondMax } = this.#limits;
    const message = `more than ${framesPerSecondMax} frames came within a second; send them more slowly`;
    return new FrameError("frame-rate", null, message);
  }

  /** Counts a frame that is not carried out; false when a correct page would not have sent it, and it is one too many. */
  forgives(error: FrameError, nowMs: number): boolean {
    if (!error.isFault) return true;
    this.#faults ??= new TokenBucket(this.#limits.faultBurstMax, 1, nowMs);
    return this.#faults.take(nowMs);
  }
}
