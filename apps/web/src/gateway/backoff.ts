import { retryDelayMs, retryDelayMsMax } from "../limits.ts";

/**
 * Milliseconds to wait before attempt number `attempt` (from 1): doubled each time up to a cap, and spread over the
 * upper half, so that many pages do not all come back in the same instant.
 *
 * @param random a number from 0 up to, but not including, 1
 */
export function backoffMs(attempt: number, random: number): number {
  const longest = Math.min(retryDelayMs * 2 ** (attempt - 1), retryDelayMsMax);
  return Math.round(longest * (0.5 + random / 2));
}
