import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeResultEntry, encodeTime, timestampOf } from "@wirebook/protocol";
import { HistoryReplica } from "../src/history/replica/history-replica.ts";

const time = (n: number) => encodeTime(1_800_000_000_000_000 + n);
const asked = (n: number) => encodeRequestEntry(time(n), "127.0.0.1", `brick ${n}`, false);
const deleted = (n: number, line: number, head: string) =>
  encodeResultEntry(time(n), "127.0.0.1", "brick", { verb: "deleted-line", line, head });
const deletedAll = (n: number) => encodeResultEntry(time(n), "127.0.0.1", "brick", { verb: "deleted-all" });

/** All lines, those that are not held as `undefined`. */
const contents = (copy: HistoryReplica) => Array.from({ length: copy.last }, (_, index) => copy.at(index + 1));

describe("a copy of the history", () => {
  test("puts each line of the feed behind the last", () => {
    const copy = new HistoryReplica(40);
    expect(copy.apply(asked(1))).toBe(true);
    expect(copy.apply(asked(2))).toBe(true);
    expect([copy.last, copy.held, copy.at(41), copy.at(42)]).toEqual([42, 2, asked(1), asked(2)]);
    expect([copy.at(40), copy.at(43)]).toEqual([undefined, undefined]);
  });

  test("deletes the line that an outcome names", () => {
    const copy = new HistoryReplica();
    for (const n of [1, 2, 3]) copy.apply(asked(n));
    expect(copy.apply(deleted(4, 2, time(2)))).toBe(true);
    expect(contents(copy)).toEqual([asked(1), asked(3), deleted(4, 2, time(2))]);
  });

  test("moves what is held when a line before it is deleted", () => {
    const copy = new HistoryReplica(9);
    copy.apply(asked(1));
    expect(copy.apply(deleted(2, 3, "brick"))).toBe(true);
    expect([copy.at(9), copy.last]).toEqual([asked(1), 10]);
  });

  test("holds nothing but the outcome after all lines were deleted", () => {
    const copy = new HistoryReplica(9);
    copy.apply(asked(1));
    copy.apply(deletedAll(2));
    expect([copy.last, copy.held, copy.at(1)]).toEqual([1, 1, deletedAll(2)]);
  });

  test("is out of step after an archiving, which moves all lines", () => {
    const copy = new HistoryReplica(9);
    copy.apply(asked(1));
    expect(copy.apply(`${time(2)} - - archived lines 1-8 in history.txt.1`)).toBe(false);
  });

  test.each([
    ["another head than the line has", 1, "somebody"],
    ["a line that does not exist", 2, "x"],
    ["line 0", 0, "x"],
  ])("is out of step when an outcome names %s", (_, line, head) => {
    const copy = new HistoryReplica();
    copy.apply(asked(1));
    expect(copy.apply(deleted(2, line, head))).toBe(false);
  });

  test("takes no orders from what somebody typed", () => {
    const copy = new HistoryReplica();
    copy.apply(asked(1));
    copy.apply(encodeRequestEntry(time(2), "127.0.0.1", "brick deleted all", false));
    expect(copy.last).toBe(2);
  });

  test("holds as many lines as its bound, and past it lets go of those not looked at longest", () => {
    const copy = new HistoryReplica(100, 30, 10);
    copy.put(
      11,
      Array.from({ length: 10 }, (_, n) => asked(n)),
    );
    copy.put(
      41,
      Array.from({ length: 10 }, (_, n) => asked(n)),
    );
    for (let n = 0; n < 10; n++) copy.apply(asked(n));
    expect(copy.held).toBe(30);
    copy.touch(11, 11);
    copy.apply(asked(11));
    expect([copy.held, copy.at(41), copy.at(11) === undefined]).toEqual([21, undefined, false]);
  });

  test("says what is missing of some lines, and which to read around it", () => {
    const copy = new HistoryReplica(1000);
    copy.put(101, [asked(1), asked(2)]);
    copy.put(121, [asked(3)]);
    expect(copy.missing(101, 102)).toBeUndefined();
    expect(copy.missing(101, 140)).toEqual({ from: 103, to: 120 });
    expect(copy.missing(121, 2000)).toEqual({ from: 122, to: 1000 });
    expect(copy.gapAround(110, 100)).toEqual({ from: 103, to: 120 });
    expect(copy.gapAround(500, 100)).toEqual({ from: 450, to: 549 });
    expect(copy.gapAround(1000, 100)).toEqual({ from: 901, to: 1000 });
    expect(copy.gapAround(1, 50)).toEqual({ from: 1, to: 50 });
  });

  test("keeps what it holds when lines are put over it", () => {
    const copy = new HistoryReplica(10);
    copy.put(4, ["d", "e"]);
    copy.put(2, ["B", "C", "D", "E", "F"]);
    expect(contents(copy).slice(1, 6)).toEqual(["B", "C", "d", "e", "F"]);
    expect(copy.held).toBe(5);
  });

  test("takes no line beyond the last one: the feed brings it", () => {
    const copy = new HistoryReplica(3);
    copy.put(2, [asked(1), asked(2), asked(3)]);
    copy.put(9, [asked(4)]);
    expect([copy.last, copy.held, copy.at(3), copy.at(4)]).toEqual([3, 2, asked(2), undefined]);
  });

  test("knows the newest time that the feed brought, and takes none from an external line before it", () => {
    const copy = new HistoryReplica();
    expect(copy.newestTime).toBe("");
    for (const line of [asked(2), "by hand", asked(1)]) copy.apply(line);
    expect(copy.newestTime).toBe(time(2));
  });

  test("keeps bookmarks with their lines", () => {
    const copy = new HistoryReplica(10);
    const [before, at, behind] = [copy.mark(4), copy.mark(5), copy.mark(6)];
    copy.apply(deleted(1, 5, "x"));
    expect([before.position, at.position, behind.position]).toEqual([4, 5, 5]);
    expect([before.isGone, at.isGone, behind.isGone]).toEqual([false, true, false]);
    copy.apply(deletedAll(2));
    expect([before.position, before.isGone]).toEqual([1, true]);
  });

  test("stays equal to the history whatever is read, written and deleted", () => {
    const deed = fc.oneof(
      fc.constant("append" as const),
      fc.nat({ max: 1000 }),
      fc.constant("all" as const),
      fc.record({ from: fc.nat({ max: 60 }), lines: fc.integer({ min: 1, max: 12 }) }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 50 }), fc.array(deed, { maxLength: 60 }), (before, deeds) => {
        let history = Array.from({ length: before }, (_, n) => asked(n));
        const copy = new HistoryReplica(before, 20, 4);
        deeds.forEach((what, at) => {
          const now = 1000 + at;
          if (typeof what === "object") {
            const first = 1 + (what.from % Math.max(1, history.length));
            return copy.put(first, history.slice(first - 1, first - 1 + what.lines));
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
          expect(copy.apply(line)).toBe(true);
        });
        expect(copy.last).toBe(history.length);
        const held = contents(copy);
        expect(held.map((line, index) => line ?? history[index])).toEqual(history);
        expect(held.filter((line) => line !== undefined)).toHaveLength(copy.held);
        expect(copy.held).toBeLessThanOrEqual(20 + 12);
      }),
    );
  });
});
