import fc from "fast-check";
import { expect, test } from "vitest";
import { countLineFeeds, endOfLine } from "../src/file/line-feeds.ts";

const lineFeed = 0x0a;

/** What is counted, done as simply as can be. */
function countSimply(bytes: Uint8Array): number {
  return bytes.filter((byte) => byte === lineFeed).length;
}

test("counts the line feeds of any bytes, from any of them up to any other", () => {
  const byte = fc.oneof(fc.constant(lineFeed), fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 1000 }), fc.nat(1000), fc.nat(1000), (values, one, other) => {
      const bytes = Uint8Array.from(values);
      const [start = 0, end = 0] = [one, other].map((at) => at % (bytes.length + 1)).toSorted((a, b) => a - b);
      expect(countLineFeeds(bytes, start, end)).toBe(countSimply(bytes.subarray(start, end)));
    }),
    { numRuns: 1000 },
  );
});

// Lanes of 8 bits overflow behind 255 vectors of 16 bytes, and the memory of the counter has 64 KiB.
test.each([127, 128, 129, 255 * 16 - 1, 255 * 16, 255 * 16 + 1, 65_535, 65_536, 65_537, 200_000])(
  "counts %i line feeds and nothing else",
  (length) => {
    expect(countLineFeeds(new Uint8Array(length).fill(lineFeed), 0, length)).toBe(length);
    expect(countLineFeeds(new Uint8Array(length).fill(lineFeed + 1), 0, length)).toBe(0);
  },
);

test("does not count what was left in the counter's memory by a longer piece", () => {
  expect(countLineFeeds(new Uint8Array(4096).fill(lineFeed), 0, 4096)).toBe(4096);
  expect(countLineFeeds(new Uint8Array(130), 0, 130)).toBe(0);
});

test("finds the end of a line, and nothing when there are fewer", () => {
  const bytes = Buffer.from("a\n\nbc\n");
  expect([1, 2, 3, 4].map((ordinal) => endOfLine(bytes, ordinal))).toEqual([2, 3, 6, -1]);
});
