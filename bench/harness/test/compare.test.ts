import { expect, test } from "vitest";
import { compare, median, warmUpRounds } from "../compare.ts";
import type { Contender } from "../compare.ts";

const contender = (name: string, port: number): Contender => ({
  name,
  open: async () => ({ port, [Symbol.asyncDispose]: async () => {} }),
});

test("each figure is compared with the baseline of its own round", async () => {
  // What is measured while warming up would spoil every ratio.
  const factor = [...Array.from({ length: warmUpRounds }, () => NaN), 1, 10, 100];
  const rounds = new Map<string, number>();
  const compared = await compare({
    baseline: contender("baseline", 4),
    contenders: [contender("half as fast", 2)],
    rounds: 3,
    measure: async ({ port }, { name }) => {
      const round = rounds.get(name) ?? 0;
      rounds.set(name, round + 1);
      return port * (factor[round] as number);
    },
  });
  expect(compared.map(({ name, ratio }) => [name, ratio.median, ratio.least, ratio.greatest])).toEqual([
    ["baseline", 1, 1, 1],
    ["half as fast", 0.5, 0.5, 0.5],
  ]);
});

test("programs are stopped after the last measurement, not before", async () => {
  const events: string[] = [];
  const noted = (name: string): Contender => ({
    name,
    open: async () => ({
      port: 1,
      [Symbol.asyncDispose]: async () => {
        events.push(`stop ${name}`);
      },
    }),
  });
  await compare({
    baseline: noted("a"),
    contenders: [noted("b")],
    rounds: 1,
    measure: async (_, { name }) => {
      await Promise.resolve();
      events.push(`measure ${name}`);
      return 1;
    },
  });
  const round = ["measure a", "measure b"];
  expect(events).toEqual([...Array.from({ length: warmUpRounds + 1 }, () => round).flat(), "stop b", "stop a"]);
});

test("the median of an even number is the mean of the two in the middle", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9, 1, 5])).toBe(5);
});
