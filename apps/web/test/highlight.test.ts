import { expect, test } from "vitest";
import { Highlight } from "../src/inspector/highlight.svelte.ts";
import type { Mark } from "../src/inspector/highlight.svelte.ts";

const span = (from: number, to: number) => ({ stream: "received", from, to }) as const;
const read = (number: number): Mark => ({
  arrows: [`read ${number}`],
  span: span(number * 10, number * 10 + 10),
});

test("what is pointed at is lit, and what is pinned when nothing is", () => {
  const highlight = new Highlight();
  highlight.toggle(read(1));
  highlight.pointed = read(2);
  expect([highlight.lights({ span: span(25, 26) }), highlight.lights({ span: span(15, 16) })]).toEqual([true, false]);
  highlight.pointed = undefined;
  expect([highlight.lights({ span: span(25, 26) }), highlight.lights({ span: span(15, 16) })]).toEqual([false, true]);
  expect(highlight.isPinned(read(1))).toBe(true);
  highlight.toggle(read(1));
  expect(highlight.mark).toBeUndefined();
});

test("a note on all reads lights each, and a read lights that note but no other read", () => {
  const highlight = new Highlight();
  const note: Mark = { arrows: ["reads"] };
  highlight.pointed = note;
  expect([read(1), read(2)].map((mark) => highlight.lights(mark))).toEqual([true, true]);
  highlight.pointed = read(1);
  expect(highlight.lights(note)).toBe(true);
  expect(highlight.lights(read(2))).toBe(false);
});
