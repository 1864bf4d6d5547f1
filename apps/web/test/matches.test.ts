import { expect, test } from "vitest";
import { Matches } from "../src/history/search/history-scan.svelte.ts";

const match = (position: number) => ({ position, line: `line ${position}` });
const deletion = (position: number | undefined) => ({ position, time: "", user: "", head: "" });
const positions = (matches: Matches) =>
  Array.from({ length: matches.count }, (_, index) => matches.at(index)?.position);

test("moves the positions behind a deleted line, and drops the line", () => {
  const matches = new Matches();
  for (const position of [3, 5, 9]) matches.append(match(position));
  matches.delete(deletion(4));
  expect(positions(matches)).toEqual([3, 4, 8]);
  matches.delete(deletion(4));
  expect(positions(matches)).toEqual([3, 7]);
  matches.delete(deletion(undefined));
  expect(matches.count).toBe(0);
});

test("finds the first match at a position or behind it", () => {
  const matches = new Matches();
  for (const position of [3, 5, 9]) matches.append(match(position));
  expect([1, 3, 4, 9, 10].map((position) => matches.indexFrom(position))).toEqual([0, 0, 1, 2, 3]);
});

test("keeps as many as its bound, the newest, and counts the rest", () => {
  const matches = new Matches(10);
  for (let position = 1; position <= 10; position++) matches.append(match(position));
  expect(matches.isFull).toBe(true);
  matches.append(match(11));
  expect([matches.count, matches.at(0)?.position]).toEqual([9, 3]);
  matches.prepend([match(1), match(2)]);
  expect([matches.count, matches.at(0)?.position]).toEqual([10, 2]);
});
