import { describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeResultEntry } from "@wirebook/protocol";
import {
  anyLine,
  createMatcher,
  describeFilter,
  isAny,
  problemOf,
  readTimePrefix,
} from "../src/history/search/line-filter.ts";
import type { LineFilter } from "../src/history/search/line-filter.ts";
import { isResult, sketchLine, timeOf } from "../src/history/view/line-text.ts";

const time = "2026-11-22T20:31:05.123456Z";
const asked = encodeRequestEntry(time, "127.0.0.1", "otter 2 -10", false);
const bare = encodeRequestEntry(time, "::1", "Otter", false);
const outcome = encodeResultEntry(time, "127.0.0.1", "brick", { verb: "deleted-line", line: 3, head: "x" });
const deletedAll = encodeResultEntry(time, "127.0.0.1", "brick", { verb: "deleted-all" });
const foreign = "delete_all by brick at noon";

const choose = (filter: Partial<LineFilter>) =>
  [asked, bare, outcome, foreign].filter(createMatcher({ ...anyLine, ...filter }));

describe("a line at a glance", () => {
  test.each([
    [asked, { time, user: "otter", operation: "2" }],
    [bare, { time, user: "Otter", operation: "none" }],
    [encodeRequestEntry(time, "::1", "otter what", false), { time, user: "otter", operation: "?" }],
    [encodeRequestEntry(time, "::1", "", false), { time, user: "", operation: "none" }],
    [outcome, { time, user: "brick", operation: "1" }],
    [deletedAll, { time, user: "brick", operation: "3" }],
    [foreign, { time: "", user: "", operation: "" }],
    ["", { time: "", user: "", operation: "" }],
  ])("%s", (line, sketch) => {
    expect(sketchLine(line)).toEqual(sketch);
  });

  test("tells results from requests and from external lines", () => {
    expect([asked, bare, outcome, deletedAll, foreign].map(isResult)).toEqual([false, false, true, true, false]);
    expect([timeOf(asked), timeOf(foreign)]).toEqual([time, ""]);
  });
});

describe("a filter", () => {
  test("takes every line when nothing is wanted", () => {
    expect(choose({})).toHaveLength(4);
    expect(isAny(anyLine)).toBe(true);
    expect(isAny({ ...anyLine, user: " " })).toBe(true);
    expect(isAny({ ...anyLine, user: "x" })).toBe(false);
  });

  test("looks for a text, whatever the case", () => {
    expect(choose({ text: "OTTER" })).toEqual([asked, bare]);
    expect(choose({ text: " deleted " })).toEqual([outcome]);
  });

  test("looks for a user and for an operation, and for both", () => {
    expect(choose({ user: "otter" })).toEqual([asked, bare]);
    expect(choose({ operation: "none" })).toEqual([bare]);
    expect(choose({ operation: "1" })).toEqual([outcome]);
    expect(choose({ user: "brick", operation: "2" })).toEqual([]);
  });

  test("takes a time as far as it was typed, at both ends", () => {
    expect(choose({ since: "2026-11-22", until: "2026-11-22" })).toHaveLength(3);
    expect(choose({ since: "2026-11-22 20:31:05" })).toHaveLength(3);
    expect(choose({ since: "2026-11-22T20:31:06" })).toEqual([]);
    expect(choose({ until: "2026-11-22T20:30" })).toEqual([]);
    expect(choose({ until: "2026-11-22T20:31:05.123456Z" })).toHaveLength(3);
  });

  test("says what is wrong with a time, and cuts a long one", () => {
    expect(readTimePrefix("yesterday")).toBeUndefined();
    expect(readTimePrefix("2026-11-22 20")).toBe("2026-11-22T20");
    expect(problemOf({ ...anyLine, until: "noon" })).toBe("Invalid time “noon”. Example, in UTC: 2026-11-22 20:31");
    expect(problemOf({ ...anyLine, since: "x".repeat(60) })).toContain(`“${"x".repeat(40)}”`);
    expect(problemOf(anyLine)).toBeUndefined();
  });

  test("says what it looks for", () => {
    expect(describeFilter({ text: "x", user: "otter", operation: "none", since: "2026", until: "2027" })).toBe(
      "containing “x”, by otter, with no operation, since 2026, until 2027",
    );
  });
});
