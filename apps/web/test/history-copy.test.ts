import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeAsked, encodeOutcome, encodeTime, headOf } from "@wirebook/protocol";
import { HistoryCopy } from "../src/history/history-copy.ts";

const time = (n: number) => encodeTime(1_800_000_000_000_000 + n);
const asked = (n: number) => encodeAsked(time(n), "127.0.0.1", `brick ${n}`, false);
const deleted = (n: number, line: number, head: string) =>
  encodeOutcome(time(n), "127.0.0.1", "brick", { verb: "deleted-line", line, head });
const deletedAll = (n: number) => encodeOutcome(time(n), "127.0.0.1", "brick", { verb: "deleted-all" });

describe("a copy of the history", () => {
  test("puts each line at its position", () => {
    const copy = new HistoryCopy(41);
    expect(copy.apply(asked(1))).toBe(true);
    expect(copy.apply(asked(2))).toBe(true);
    expect([copy.first, copy.next, copy.at(41), copy.at(42)]).toEqual([41, 43, asked(1), asked(2)]);
    expect([copy.at(40), copy.at(43)]).toEqual([undefined, undefined]);
  });

  test("deletes the line that an outcome names", () => {
    const copy = new HistoryCopy(1);
    for (const n of [1, 2, 3]) copy.apply(asked(n));
    expect(copy.apply(deleted(4, 2, time(2)))).toBe(true);
    expect(copy.lines).toEqual([asked(1), asked(3), deleted(4, 2, time(2))]);
  });

  test("moves when a line before its first is deleted", () => {
    const copy = new HistoryCopy(10);
    copy.apply(asked(1));
    expect(copy.apply(deleted(2, 3, "brick"))).toBe(true);
    expect([copy.first, copy.at(9), copy.next]).toEqual([9, asked(1), 11]);
  });

  test("holds nothing but the outcome after all lines were deleted", () => {
    const copy = new HistoryCopy(10);
    copy.apply(asked(1));
    copy.apply(deletedAll(2));
    expect([copy.first, copy.lines]).toEqual([1, [deletedAll(2)]]);
  });

  test.each([
    ["another head than the line has", 1, "somebody"],
    ["a line that does not exist", 2, "x"],
    ["line 0", 0, "x"],
  ])("is out of step when an outcome names %s", (_, line, head) => {
    const copy = new HistoryCopy(1);
    copy.apply(asked(1));
    expect(copy.apply(deleted(2, line, head))).toBe(false);
  });

  test("takes no orders from what somebody typed", () => {
    const copy = new HistoryCopy(1);
    copy.apply(asked(1));
    copy.apply(encodeAsked(time(2), "127.0.0.1", "brick deleted all", false));
    expect(copy.lines).toHaveLength(2);
  });

  test("keeps as many lines as its bound and drops the oldest past it", () => {
    const copy = new HistoryCopy(1, 10);
    for (let n = 1; n <= 10; n++) copy.apply(asked(n));
    expect([copy.first, copy.lines.length]).toEqual([1, 10]);
    copy.apply(asked(11));
    expect([copy.first, copy.rowsBefore, copy.next, copy.at(11)]).toEqual([3, -2, 12, asked(11)]);
  });

  test("takes earlier lines before its first", () => {
    const copy = new HistoryCopy(3);
    copy.apply(asked(3));
    copy.prepend([asked(1), asked(2)]);
    expect([copy.first, copy.rowsBefore, copy.at(1), copy.at(3)]).toEqual([1, 2, asked(1), asked(3)]);
  });

  test("stays equal to the history whatever is written and deleted", () => {
    const deed = fc.oneof(fc.constant("append" as const), fc.nat(), fc.constant("all" as const));
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.array(deed, { maxLength: 40 }), (before, deeds) => {
        let history = Array.from({ length: before }, (_, n) => asked(n));
        const copy = new HistoryCopy(before + 1);
        deeds.forEach((what, at) => {
          const now = 100 + at;
          let line = asked(now);
          if (what === "all") {
            line = deletedAll(now);
            history = [];
          } else if (what !== "append" && history.length > 0) {
            const [gone = ""] = history.splice(what % history.length, 1);
            line = deleted(now, (what % (history.length + 1)) + 1, headOf(gone));
          }
          history.push(line);
          expect(copy.apply(line)).toBe(true);
        });
        expect(copy.next).toBe(history.length + 1);
        expect(copy.lines).toEqual(history.slice(copy.first - 1));
      }),
    );
  });
});
