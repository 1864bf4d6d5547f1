import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { Deadline } from "../src/deadline.ts";

/** A deadline that counts how often it passed. */
function open(): { readonly deadline: Deadline; readonly passed: () => number } {
  let count = 0;
  return { deadline: new Deadline(() => (count += 1)), passed: () => count };
}

test("a deadline passes once, when its time is over and not before", async () => {
  using clock = new HeldClock();
  const { deadline, passed } = open();
  deadline.set(20);
  clock.pass(19);
  await turn();
  expect(passed()).toBe(0);
  clock.pass(1);
  await turn();
  expect(passed()).toBe(1);
  clock.pass(1000);
  await turn();
  expect(passed()).toBe(1);
});

test("a deadline can be put off, brought forward and taken back", async () => {
  using clock = new HeldClock();
  const [late, early, gone, never] = [open(), open(), open(), open()];
  for (const { deadline } of [late, early, gone, never]) deadline.set(10);
  clock.pass(9);
  late.deadline.refresh();
  early.deadline.set(1);
  gone.deadline.clear();
  gone.deadline.refresh();
  never.deadline.set(Infinity);
  clock.pass(9);
  await turn();
  expect([late, early, gone, never].map(({ passed }) => passed())).toEqual([0, 1, 0, 0]);
  clock.pass(1);
  await turn();
  expect([late, early, gone, never].map(({ passed }) => passed())).toEqual([1, 1, 0, 0]);
});

test.each(["refresh", "clear"] as const)("what lay ready while the loop was busy still counts: %s", async (call) => {
  using clock = new HeldClock();
  const { deadline, passed } = open();
  deadline.set(5);
  clock.pass(5);
  deadline[call](); // As a connection whose bytes are read between the timer and the immediate.
  await turn();
  expect(passed()).toBe(0);
});
