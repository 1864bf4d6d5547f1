/** When the page tries again to connect or to follow: how long it waits, and the seconds left. */

/** Milliseconds before the first attempt. Doubled for every further one, up to the maximum. */
export const retryDelayMs = 500;
export const retryDelayMsMax = 15_000;

/** Milliseconds that a gateway may ask a page to wait; it is not believed beyond that. */
export const retryHintMsMax = 60_000;

/**
 * Milliseconds to wait before attempt number `attempt` (from 1): doubled each time up to a cap, and spread over the
 * upper half, so that many pages do not all come back in the same instant. Where the gateway said how long to wait, no
 * attempt is made earlier, and the spread comes on top.
 *
 * @param random a number from 0 up to, but not including, 1
 * @param retryAfterMs what the gateway asked for
 */
export function backoffMs(attempt: number, random: number, retryAfterMs = 0): number {
  const longest = Math.min(retryDelayMs * 2 ** (attempt - 1), retryDelayMsMax);
  const least = Math.min(retryAfterMs, retryHintMsMax);
  return Math.round(Math.max(longest / 2, least) + (Math.max(longest, least) / 2) * random);
}

/** Waits for a while, says how many seconds are left, and can be cut short. */
export class Countdown {
  /** Whole seconds left, at least 1 while it runs; 0 when it does not. */
  seconds = $state(0);
  #timer: ReturnType<typeof setInterval> | undefined;
  #then: (() => void) | undefined;

  /** Calls `then` after `waitMs`, or earlier when `finish` is called. One that runs already is replaced. */
  start(waitMs: number, then: () => void): void {
    this.stop();
    const until = performance.now() + waitMs;
    const look = () => {
      const left = until - performance.now();
      if (left <= 0) this.finish();
      else this.seconds = Math.ceil(left / 1000);
    };
    this.#then = then;
    this.#timer = setInterval(look, 200);
    look();
  }

  finish(): void {
    const then = this.#then;
    this.stop();
    then?.();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#then = undefined;
    this.seconds = 0;
  }
}
