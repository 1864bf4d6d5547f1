import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { others, Histogram, toMs } from "../src/history/search/histogram.ts";

const start = Date.parse("2026-11-22T20:31:00Z");

const counts = (tally: Histogram, name: string) =>
  Array.from({ length: tally.span.buckets }, (_, index) => tally.bucket(index)?.get(name) ?? 0);

describe("a tally", () => {
  test("counts lines by second and name", () => {
    const tally = new Histogram();
    for (const [ms, name] of [
      [0, "brick"],
      [999, "brick"],
      [1000, "otter"],
      [2500, "brick"],
    ] as const) {
      tally.add(start + ms, name);
    }
    expect(tally.span).toEqual({ startMs: start, buckets: 3 });
    expect([counts(tally, "brick"), counts(tally, "otter")]).toEqual([
      [2, 0, 1],
      [0, 1, 0],
    ]);
  });

  test("has no more buckets than its bound, whatever the times, and loses no line", () => {
    const atMs = fc.integer({ min: 0, max: 4_000_000_000_000 });
    fc.assert(
      fc.property(fc.array(atMs), (times) => {
        const tally = new Histogram(10, 3);
        for (const ms of times) tally.add(ms, "a");
        expect(tally.span.buckets).toBeLessThanOrEqual(10);
        expect(counts(tally, "a").reduce((sum, lines) => sum + lines, 0)).toBe(times.length);
        expect(tally.series.get("a") ?? 0).toBe(times.length);
      }),
    );
  });

  test("tells as many names apart as its bound; later ones are others", () => {
    const tally = new Histogram(10, 2);
    for (const name of ["a", "b", "c", "d", "a"]) tally.add(start, name);
    expect(Object.fromEntries(tally.series)).toEqual({ a: 2, b: 1, [others]: 2 });
  });

  test("counts a line without a time, but nowhere in time", () => {
    const tally = new Histogram();
    tally.add(toMs(""), "x");
    expect([tally.series.size, tally.span.buckets]).toEqual([0, 0]);
  });
});

test("reads the times of lines", () => {
  for (const time of ["2026-11-22T20:31:05.123456Z", "2026-11-22T20:31:59.999999Z", "2027-01-01T00:00:00.000001Z"]) {
    expect(Math.floor(toMs(time))).toBe(Date.parse(`${time.slice(0, 23)}Z`));
  }
});
