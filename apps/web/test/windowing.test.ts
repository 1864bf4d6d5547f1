import { expect, test } from "vitest";
import { StickToBottom, isAtEnd, windowOf } from "../src/ui/windowing.ts";

test("draws the rows that are seen and the spare ones on both sides", () => {
  expect(windowOf(1000, 200, 20, 1000, 5)).toEqual({ from: 45, to: 65 });
});

test("draws no rows that do not exist", () => {
  expect(windowOf(0, 200, 20, 3, 5)).toEqual({ from: 0, to: 3 });
  expect(windowOf(500, 200, 20, 3, 5)).toEqual({ from: 0, to: 3 });
  expect(windowOf(0, 0, 20, 0, 5)).toEqual({ from: 0, to: 0 });
});

test("is at the end less than a row away from it", () => {
  expect(isAtEnd(781, 200, 1000, 20)).toBe(true);
  expect(isAtEnd(780, 200, 1000, 20)).toBe(false);
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
