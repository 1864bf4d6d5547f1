import { expect, test } from "vitest";
import { InputHistory, recalledMax } from "../src/composer/composer.svelte.ts";

test("goes back to what was sent and forward to what was being typed", () => {
  const recall = new InputHistory<string>((item) => item);
  recall.add("one");
  recall.add("two");
  expect([recall.back("typing"), recall.back("two"), recall.back("one")]).toEqual(["two", "one", undefined]);
  expect([recall.forward(), recall.forward(), recall.forward()]).toEqual(["two", "typing", undefined]);
});

test("keeps the same message once, as the newest", () => {
  const recall = new InputHistory<string>((item) => item);
  for (const item of ["one", "two", "one"]) recall.add(item);
  expect([recall.back(""), recall.back(""), recall.back("")]).toEqual(["one", "two", undefined]);
});

test("keeps as many as its bound", () => {
  const recall = new InputHistory<number>(String);
  for (let n = 0; n <= recalledMax; n++) recall.add(n);
  let oldest: number | undefined;
  for (let item = recall.back(-1); item !== undefined; item = recall.back(-1)) oldest = item;
  expect(oldest).toBe(1);
});
