import { expect, test } from "vitest";
import { backoffMs } from "../src/gateway/backoff.ts";
import { retryDelayMs, retryDelayMsMax } from "../src/limits.ts";

test("the first wait is at most the first delay and at least half of it", () => {
  expect(backoffMs(1, 0)).toBe(retryDelayMs / 2);
  expect(backoffMs(1, 0.999)).toBeLessThanOrEqual(retryDelayMs);
});

test("each wait may be twice as long as the one before, up to the cap and never past it", () => {
  expect(backoffMs(2, 0)).toBe(2 * backoffMs(1, 0));
  expect(backoffMs(30, 0.999)).toBeLessThanOrEqual(retryDelayMsMax);
  expect(backoffMs(2000, 0)).toBe(retryDelayMsMax / 2);
});
