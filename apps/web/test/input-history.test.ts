import { expect, test } from "vitest";
import { InputHistory, recalledMax } from "../src/conversation/command-line.svelte.ts";

test("goes back to what was sent and forward to what was being typed", () => {
  const recall = new InputHistory();
  recall.add("one");
  recall.add("two");
  expect([recall.back("typing"), recall.back("two"), recall.back("one")]).toEqual(["two", "one", undefined]);
  expect([recall.forward(), recall.forward(), recall.forward()]).toEqual(["two", "typing", undefined]);
});

test("keeps the same line once, as the newest", () => {
  const recall = new InputHistory();
  for (const line of ["one", "two", "one"]) recall.add(line);
  expect([recall.back(""), recall.back(""), recall.back("")]).toEqual(["one", "two", undefined]);
});

test("keeps as many as its bound", () => {
  const recall = new InputHistory();
  for (let n = 0; n <= recalledMax; n++) recall.add(String(n));
  let oldest: string | undefined;
  for (let line = recall.back(""); line !== undefined; line = recall.back("")) oldest = line;
  expect(oldest).toBe("1");
});
