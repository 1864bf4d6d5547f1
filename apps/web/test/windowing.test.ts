import { expect, test } from "vitest";
import { StickToBottom, windowOf } from "../src/ui/windowing.ts";

test("draws the rows that are seen and some on both sides", () => {
  expect(windowOf(1000, 200, 20, 1000)).toEqual({ from: 42, to: 68 });
});

test("draws no rows that do not exist", () => {
  expect(windowOf(0, 200, 20, 3)).toEqual({ from: 0, to: 3 });
  expect(windowOf(500, 200, 20, 3)).toEqual({ from: 0, to: 3 });
  expect(windowOf(0, 0, 20, 0)).toEqual({ from: 0, to: 0 });
});

test("is at the end less than a row away from it", () => {
  const following = new StickToBottom();
  following.isOn = false;
  following.note({ scrollTop: 780, clientHeight: 200, scrollHeight: 1000 }, 20);
  expect(following.isOn).toBe(false);
  following.note({ scrollTop: 781, clientHeight: 200, scrollHeight: 1000 }, 20);
  expect(following.isOn).toBe(true);
});

test("stays at the end when the content grows, and leaves it when somebody scrolls up", () => {
  const following = new StickToBottom();
  following.note({ scrollTop: 800, clientHeight: 200, scrollHeight: 1000 }, 20);
  following.note({ scrollTop: 800, clientHeight: 200, scrollHeight: 2000 }, 20);
  expect(following.isOn).toBe(true);
  following.note({ scrollTop: 790, clientHeight: 200, scrollHeight: 2000 }, 20);
  expect(following.isOn).toBe(false);
  following.note({ scrollTop: 1500, clientHeight: 200, scrollHeight: 2000 }, 20);
  expect(following.isOn).toBe(false);
  following.note({ scrollTop: 1800, clientHeight: 200, scrollHeight: 2000 }, 20);
  expect(following.isOn).toBe(true);
});
