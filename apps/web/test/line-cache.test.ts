import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { encodeRequestEntry, encodeResultEntry, encodeTime, timestampOf } from "@wirebook/protocol";
import { LineCache } from "../src/history/replica/line-cache.svelte.ts";
import type { Deleted } from "../src/history/replica/line-cache.svelte.ts";
import { contentsOf } from "./app-fixture.ts";

// The same proportions with a few lines.
vi.mock("../src/limits.ts", async (importOriginal) => ({
  ...(await importOriginal<object>()),
  historyLinesKept: 30,
  historyPageLines: 5,
}));

const time = (n: number) => encodeTime(1_800_000_000_000_000 + n);
const asked = (n: number) => encodeRequestEntry(time(n), "127.0.0.1", `brick ${n}`, false);
const deleted = (n: number, line: number, head: string) =>
  encodeResultEntry(time(n), "127.0.0.1", "brick", { verb: "deleted-line", line, head });
const deletedAll = (n: number) => encodeResultEntry(time(n), "127.0.0.1", "brick", { verb: "deleted-all" });

/** A cache of a history of so many lines, of which it holds none. */
function cacheOf(last = 0): LineCache {
  const cache = new LineCache();
  cache.reset(last);
  return cache;
}

const heldOf = (cache: LineCache) => contentsOf(cache).filter((line) => line !== undefined).length;

describe("the lines that are held", () => {
  test("go on with each line of the feed", () => {
    const cache = cacheOf(40);
    expect(cache.apply(asked(1))).toBe(true);
    expect(cache.apply(asked(2))).toBe(true);
    expect([40, 41, 42, 43].map((position) => cache.at(position))).toEqual([undefined, asked(1), asked(2), undefined]);
    expect([cache.last, heldOf(cache)]).toEqual([42, 2]);
  });

  test("lose the line that a result names", () => {
    const cache = cacheOf();
    for (const n of [1, 2, 3]) cache.apply(asked(n));
    expect(cache.apply(deleted(4, 2, time(2)))).toBe(true);
    expect(contentsOf(cache)).toEqual([asked(1), asked(3), deleted(4, 2, time(2))]);
  });

  test("move when a line before them is deleted", () => {
    const cache = cacheOf(9);
    cache.apply(asked(1));
    expect(cache.apply(deleted(2, 3, "brick"))).toBe(true);
    expect([cache.at(9), cache.last]).toEqual([asked(1), 10]);
  });

  test("are the result alone after all lines were deleted", () => {
    const cache = cacheOf(9);
    cache.apply(asked(1));
    cache.apply(deletedAll(2));
    expect(contentsOf(cache)).toEqual([deletedAll(2)]);
  });

  test("are out of step after an archiving, which moves all lines", () => {
    const cache = cacheOf(9);
    cache.apply(asked(1));
    expect(cache.apply(`${time(2)} - - archived lines 1-8 in history.txt.1`)).toBe(false);
  });

  test.each([
    ["another head than the line has", 1, "somebody"],
    ["a line that does not exist", 2, "x"],
    ["line 0", 0, "x"],
  ])("are out of step when a result names %s", (_, line, head) => {
    const cache = cacheOf();
    cache.apply(asked(1));
    expect(cache.apply(deleted(2, line, head))).toBe(false);
  });

  test("take no orders from what somebody typed", () => {
    const cache = cacheOf();
    cache.apply(asked(1));
    cache.apply(encodeRequestEntry(time(2), "127.0.0.1", "brick deleted all", false));
    expect(cache.last).toBe(2);
  });

  test("are as many as their bound, and past it those that were not looked at longest go", () => {
    const cache = cacheOf(100);
    const five = Array.from({ length: 5 }, (_, n) => asked(n));
    for (const first of [11, 21, 31, 41, 51]) cache.put(first, five);
    for (let n = 0; n < 5; n++) cache.apply(asked(n));
    expect(heldOf(cache)).toBe(30);
    cache.touch(11, 12);
    cache.apply(asked(6));
    expect([heldOf(cache), cache.at(21), cache.at(11)]).toEqual([26, undefined, asked(0)]);
  });

  test("say which one of some is missing first", () => {
    const cache = cacheOf(1000);
    cache.put(101, [asked(1), asked(2)]);
    expect(cache.missing(101, 102)).toBeUndefined();
    expect(cache.missing(101, 140)).toBe(103);
    expect(cache.missing(-5, 3)).toBe(1);
    expect(cache.missing(1001, 2000)).toBeUndefined();
  });

  test("stay when others are put over them, and none is put beyond the last: the feed brings it", () => {
    const cache = cacheOf(6);
    cache.put(4, ["d", "e"]);
    cache.put(2, ["B", "C", "D", "E", "F", "G"]);
    cache.put(9, ["I"]);
    expect(contentsOf(cache)).toEqual([undefined, "B", "C", "d", "e", "F"]);
    expect([cache.last, cache.at(7), cache.at(9)]).toEqual([6, undefined, undefined]);
    expect([...cache.heldFrom(3)]).toEqual([
      [3, "C"],
      [4, "d"],
      [5, "e"],
      [6, "F"],
    ]);
  });

  test("know the newest time that the feed brought, and that of the newest delete", () => {
    const cache = cacheOf();
    expect([cache.newestTime, cache.deletedAt]).toEqual(["", ""]);
    for (const line of [asked(2), "by hand", asked(1)]) cache.apply(line);
    expect([cache.newestTime, cache.deletedAt]).toEqual([time(2), ""]);
    cache.apply(deleted(3, 1, time(2)));
    cache.apply(asked(4));
    expect([cache.newestTime, cache.deletedAt]).toEqual([time(4), time(3)]);
  });

  test("know the time of a line, or of the one before it where it has none", () => {
    const cache = cacheOf(9);
    for (const line of ["by hand", asked(1), "by hand", "by hand"]) cache.apply(line);
    expect([9, 10, 11, 13].map((position) => cache.timeAt(position))).toEqual(["", "", time(1), time(1)]);
  });

  test("tell who listens what was deleted, once it is gone", () => {
    const cache = cacheOf();
    const told: (readonly [Deleted, number])[] = [];
    const stop = cache.listen((_, what) => told.push([what, cache.last]));
    cache.apply(asked(1));
    cache.apply(deleted(2, 1, time(1)));
    cache.apply(deletedAll(3));
    cache.reset(7);
    stop();
    cache.apply(asked(4));
    expect(told).toEqual([
      [undefined, 1],
      [1, 1],
      ["all", 0],
      [undefined, 1],
      ["all", 7],
    ]);
  });

  test("stay equal to the history whatever is read, written and deleted", () => {
    const deed = fc.oneof(
      fc.constant("append" as const),
      fc.nat({ max: 1000 }),
      fc.constant("all" as const),
      fc.record({ from: fc.nat({ max: 60 }), lines: fc.integer({ min: 1, max: 12 }) }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 50 }), fc.array(deed, { maxLength: 60 }), (before, deeds) => {
        let history = Array.from({ length: before }, (_, n) => asked(n));
        const cache = cacheOf(before);
        deeds.forEach((what, at) => {
          const now = 1000 + at;
          if (typeof what === "object") {
            const first = 1 + (what.from % Math.max(1, history.length));
            return cache.put(first, history.slice(first - 1, first - 1 + what.lines));
          }
          let line = asked(now);
          if (what === "all") {
            line = deletedAll(now);
            history = [];
          } else if (what !== "append" && history.length > 0) {
            const position = (what % history.length) + 1;
            const [gone = ""] = history.splice(position - 1, 1);
            line = deleted(now, position, timestampOf(gone));
          }
          history.push(line);
          expect(cache.apply(line)).toBe(true);
        });
        expect(cache.last).toBe(history.length);
        const held = contentsOf(cache);
        expect(held.map((line, index) => line ?? history[index])).toEqual(history);
        expect(heldOf(cache)).toBeLessThanOrEqual(30);
        expect([...cache.heldFrom(1)]).toEqual(
          held.flatMap((line, index) => (line === undefined ? [] : [[index + 1, line]])),
        );
      }),
    );
  });
});
