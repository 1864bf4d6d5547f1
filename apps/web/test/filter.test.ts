import { describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeResultEntry } from "@wirebook/protocol";
import {
  anyLine,
  createMatcher,
  decodeFilterLink,
  encodeFilterLink,
  isAny,
  parseFilter,
  readTime,
} from "../src/history/search/filter.ts";
import { isResult, sketchLine, timeOf } from "../src/history/view/line-text.ts";

const time = "2026-11-22T20:31:05.123456Z";
const now = new Date("2026-11-28T12:00:00Z");
const asked = encodeRequestEntry(time, "127.0.0.1", "otter 2 -10", false);
const bare = encodeRequestEntry(time, "::1", "Otter", false);
const outcome = encodeResultEntry(time, "127.0.0.1", "brick", { verb: "deleted-line", line: 3, head: "x" });
const deletedAll = encodeResultEntry(time, "127.0.0.1", "brick", { verb: "deleted-all" });
const foreign = "delete_all by brick at noon";

function choose(text: string): string[] {
  const typed = parseFilter(text, "utc", now);
  if (typed.kind !== "filter") throw new Error(JSON.stringify(typed));
  return [asked, bare, outcome, foreign].filter(createMatcher(typed.filter));
}

function problemOf(text: string): string | undefined {
  const typed = parseFilter(text, "utc", now);
  return typed.kind === "problem" ? typed.problem : undefined;
}

describe("a line at a glance", () => {
  test.each([
    [asked, { time, user: "otter", operation: "2" }],
    [bare, { time, user: "Otter", operation: "none" }],
    [encodeRequestEntry(time, "::1", "otter what", false), { time, user: "otter", operation: "?" }],
    [encodeRequestEntry(time, "::1", "", false), { time, user: "", operation: "none" }],
    [outcome, { time, user: "brick", operation: "" }],
    [deletedAll, { time, user: "brick", operation: "" }],
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
  test("takes every line when nothing is wanted, or a field has no value yet", () => {
    for (const text of ["", "  ", "user:", "-", 'user:""', ":", "@"]) {
      expect(parseFilter(text, "utc", now)).toEqual({ kind: "filter", filter: anyLine });
    }
    expect(isAny(anyLine)).toBe(true);
    expect(choose("")).toHaveLength(4);
  });

  test("looks for words and for texts in quotes, whatever their case", () => {
    expect(choose("OTTER")).toEqual([asked, bare]);
    expect(choose("otter -10")).toEqual([bare]);
    expect(choose('otter "-10"')).toEqual([asked]);
    expect(choose('"deleted line"')).toEqual([outcome]);
    expect(choose('"deleted line')).toEqual([outcome]);
    expect(choose('-"deleted line" brick')).toEqual([foreign]);
    expect(choose("20:31")).toEqual([asked, bare, outcome]);
  });

  test("looks for users and operations: one of several, and not those that are excluded", () => {
    expect(choose("user:otter")).toEqual([asked, bare]);
    expect(choose("USER:otter user:Brick")).toEqual([asked, bare, outcome]);
    expect(choose("op:none")).toEqual([bare]);
    expect(choose("op:2")).toEqual([asked]);
    expect(choose("user:brick op:2")).toEqual([]);
    expect(choose("-user:otter")).toEqual([outcome, foreign]);
    expect(choose("user:otter -op:2")).toEqual([bare]);
  });

  test("takes a time as far as it was typed, at both ends", () => {
    expect(choose("since:2026-11-22 until:2026-11-22")).toHaveLength(3);
    expect(choose('since:"2026-11-22 20:31:05"')).toHaveLength(3);
    expect(choose("since:2026-11-22T20:31:06")).toEqual([]);
    expect(choose("until:2026-11-22T20:30")).toEqual([]);
    expect(choose("until:2026-11-22T20:31:05.123456Z")).toHaveLength(3);
    expect(choose("until:2026-11-22T20:31:05.1234")).toHaveLength(3);
    expect(choose("until:2026-11-22T20:31:05.1233")).toEqual([]);
    expect(choose("since:20:30:59")).toEqual([]);
  });

  test.each([
    ["since:noon", "Invalid time “noon”. Example: since:2026-11-22 or since:2026-11-22T20:31"],
    ["until:2026-02-30", "Invalid time “2026-02-30”. Example: until:2026-11-22 or until:2026-11-22T20:31"],
    ["since:2026-11-22T24:00", "Invalid time “2026-11-22T24:00”. Example: since:2026-11-22 or since:2026-11-22T20:31"],
    ["op:delete", "op:delete is no operation. Example: op:1 or op:none"],
    ["usr:otter", '“usr:” is no field. Fields are user, op, since, until. As text: "usr:otter"'],
    ["since:2026-11", "Invalid time “2026-11”. Example: since:2026-11-22 or since:2026-11-22T20:31"],
    ["-since:2026-11-22", "Invalid time “2026-11-22”. Example: since:2026-11-22 or since:2026-11-22T20:31"],
    [":x", "Invalid place “:x”. Example: :50000, @20:31 or @2026-11-28 20:31"],
    [":0", "Invalid place “:0”. Example: :50000, @20:31 or @2026-11-28 20:31"],
    ["@noon", "Invalid place “@noon”. Example: :50000, @20:31 or @2026-11-28 20:31"],
  ])("says what is wrong with %s", (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  test("cuts what it repeats", () => {
    expect(problemOf(`since:${"x".repeat(60)}`)).toContain(`“${"x".repeat(40)}”`);
  });

  test("takes an address for text", () => {
    expect(problemOf("http://example.org")).toBeUndefined();
  });
});

describe("a jump", () => {
  test.each([
    [":50000", { kind: "line", line: 50_000 }],
    ["@2026-11-28 20:31", { kind: "time", time: "2026-11-28T20:31:00.000000Z" }],
    ["@2026-11-22 20:31", { kind: "time", time: "2026-11-22T20:31:00.000000Z" }],
    ["@2026-11-22T20:31:05.5", { kind: "time", time: "2026-11-22T20:31:05.500000Z" }],
    ["@11:31", { kind: "time", time: "2026-11-28T11:31:00.000000Z" }],
    // It has not been that late today.
    ["@20:31", { kind: "time", time: "2026-11-27T20:31:00.000000Z" }],
    ["@2026-11-22", { kind: "time", time: "2026-11-22T00:00:00.000000Z" }],
  ])("%s", (text, typed) => {
    expect(parseFilter(text, "utc", now)).toEqual(typed);
  });
});

const local = (text: string) => new Date(text).toISOString().slice(0, 19);

describe("times of the reader's zone", () => {
  test("are meant as they are shown, unless they say that they are in UTC", () => {
    expect(readTime("2026-11-22T20:31", "local")?.from).toBe(`${local("2026-11-22T20:31")}.000000`);
    expect(readTime("2026-11-22", "local")?.to).toBe(`${local("2026-11-22T23:59:59")}.999999`);
    expect(readTime("2026-11-22T20:31Z", "local")?.from).toBe("2026-11-22T20:31:00.000000");
  });

  test.each(["utc", "local"] as const)("mean the same to whoever opens the address (%s)", (zone) => {
    for (const text of [
      'user:otter -word "two words" 100%+1 #x',
      "since:2026-11-22 until:2026-11-23T10:00",
      'since:"2026-11-22 20:31" x',
      "since:2026-11-22T20:31:05.25 until:2026-12-31Z",
    ]) {
      const opened = decodeFilterLink(encodeFilterLink(text, zone)) ?? "";
      for (const other of ["utc", "local"] as const) {
        expect(parseFilter(opened, other, now)).toEqual(parseFilter(text, zone, now));
      }
    }
  });

  test("an address without a filter has none", () => {
    expect(encodeFilterLink("  ", "utc")).toBe("");
    expect(["", "#", "#line=x", "#lesson=x"].map(decodeFilterLink)).toEqual(Array(4).fill(undefined));
  });
});
