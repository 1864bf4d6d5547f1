import { expect, test } from "vitest";
import { Random } from "../../../test-support/random.ts";

function draw(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: 100 }, () => random.below(1000));
}

test("the same seed gives the same numbers", () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test("numbers keep within their bounds and reach them", () => {
  const random = new Random(1);
  const seen = new Set(Array.from({ length: 1000 }, () => random.between(3, 6)));
  expect(seen).toEqual(new Set([3, 4, 5, 6]));
});
