import { retryDelayMs, retryDelayMsMax, retryHintMsMax } from "../limits.ts";

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
