/** Milliseconds before the first attempt. Doubled for every further one, up to the maximum. */
export const retryDelayMs = 500;
export const retryDelayMsMax = 15_000;

/** Milliseconds that a gateway may ask a page to wait; it is not believed beyond that. */
export const retryHintMsMax = 60_000;

/**
 * Milliseconds to wait before attempt number `attempt` (from 1): doubled each time, and spread by `random` (0 to 1), so that
 * many pages do not all come back in the same instant. Where the gateway said how long to wait, none is made earlier.
 */
export function backoffMs(attempt: number, random: number, retryAfterMs = 0): number {
  const longest = Math.min(retryDelayMs * 2 ** (attempt - 1), retryDelayMsMax);
  const least = Math.min(retryAfterMs, retryHintMsMax);
  return Math.round(Math.max(longest / 2, least) + (Math.max(longest, least) / 2) * random);
}

/** What is tried again after a while, or at once when the user wants it. */
export class Retry {
  isWaiting = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #then: (() => void) | undefined;

  start(waitMs: number, then: () => void): void {
    this.stop();
    this.isWaiting = true;
    this.#then = then;
    this.#timer = setTimeout(() => this.finish(), waitMs);
  }

  finish(): void {
    const then = this.#then;
    this.stop();
    then?.();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#then = undefined;
    this.isWaiting = false;
  }
}
