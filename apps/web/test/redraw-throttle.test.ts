import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RedrawThrottle } from "../src/ui/redraw-throttle.svelte.ts";

let nowMs = 0;

beforeEach(() => {
  nowMs = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function pass(ms: number): Promise<void> {
  nowMs += ms;
  await vi.advanceTimersByTimeAsync(ms);
}

test("draws the first change at once, and the last one when its time comes", async () => {
  const throttle = new RedrawThrottle(100);
  throttle.mark();
  await pass(1);
  expect(throttle.listen()).toBe(1);
  for (let change = 0; change < 5; change++) throttle.mark();
  await pass(98);
  expect(throttle.listen()).toBe(1);
  await pass(2);
  expect(throttle.listen()).toBe(2);
});

test("draws less often when one drawing takes the page a long time", async () => {
  const throttle = new RedrawThrottle(100);
  throttle.mark();
  await Promise.resolve();
  await pass(80); // The timer behind the frame is this late.
  throttle.mark();
  await pass(419);
  expect(throttle.listen()).toBe(1);
  await pass(2);
  expect(throttle.listen()).toBe(2);
});

test("draws again within half a second, however long the drawing before seems to have taken", async () => {
  const throttle = new RedrawThrottle(100);
  throttle.mark();
  await Promise.resolve();
  await pass(3_600_000); // The machine slept.
  throttle.mark();
  await pass(501);
  throttle.mark();
  await pass(501);
  expect(throttle.listen()).toBe(3);
});

test("draws the last change of all without waiting", async () => {
  const throttle = new RedrawThrottle(100);
  throttle.mark();
  await pass(1);
  throttle.mark();
  await pass(10);
  expect(throttle.listen()).toBe(1);
  throttle.mark(true);
  await pass(1);
  expect(throttle.listen()).toBe(2);
  await pass(200);
  expect(throttle.listen()).toBe(2);
});
