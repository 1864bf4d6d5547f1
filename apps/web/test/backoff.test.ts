import { expect, test } from "vitest";
import { backoffMs, retryDelayMs, retryDelayMsMax, retryHintMsMax } from "../src/gateway/retry.svelte.ts";

test("the first wait is at most the first delay and at least half of it", () => {
  expect(backoffMs(1, 0)).toBe(retryDelayMs / 2);
  expect(backoffMs(1, 0.999)).toBeLessThanOrEqual(retryDelayMs);
});

test("each wait may be twice as long as the one before, up to the cap and never past it", () => {
  expect(backoffMs(2, 0)).toBe(2 * backoffMs(1, 0));
  expect(backoffMs(30, 0.999)).toBeLessThanOrEqual(retryDelayMsMax);
  expect(backoffMs(2000, 0)).toBe(retryDelayMsMax / 2);
});

test("no attempt comes earlier than the gateway asked for, nor all of them at once", () => {
  expect(backoffMs(1, 0, 10_000)).toBe(10_000);
  expect(backoffMs(1, 0.999, 10_000)).toBeGreaterThan(14_900);
  expect(backoffMs(30, 0, 1000)).toBe(retryDelayMsMax / 2);
});

test("a gateway cannot send a page away for longer than a minute and a half", () => {
  expect(backoffMs(1, 0, retryHintMsMax)).toBe(retryHintMsMax);
  expect(backoffMs(1, 0, retryHintMsMax + 1)).toBe(retryHintMsMax);
  expect(backoffMs(1, 0.999, 1e12)).toBeLessThanOrEqual(1.5 * retryHintMsMax);
});
