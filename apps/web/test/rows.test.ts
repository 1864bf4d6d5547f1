import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { LineCache } from "../src/history/replica/line-cache.svelte.ts";
import { Rows } from "../src/history/view/rows.ts";
import { deleteLine } from "./app-fixture.ts";

const dayUs = 86_400_000_000;
const startUs = Date.parse("2026-11-20T12:00:00Z") * 1000;

/** A line by a word: `1` is one of the first day, `2f` one of the second day that folds, `-` one without a time. */
function lineOf(word: string, n: number): string {
  if (word === "-") return "by hand";
  const time = encodeTime(startUs + Number.parseInt(word) * dayUs + n);
  return encodeRequestEntry(time, "::1", word.endsWith("f") ? "otter 5" : "otter", false);
}

function rowsOf(words: string) {
  const cache = new LineCache();
  words.split(" ").forEach((word, n) => cache.apply(lineOf(word, n)));
  const rows = new Rows();
  rows.update(cache, "utc", true);
  return rows;
}

/** What the rows say: `d3` a day before line 3, `f2-4` a fold, `3` a line. */
function describe(rows: Rows): string {
  return Array.from({ length: rows.count }, (_, row) => {
    const { kind, at, to } = rows.rowAt(row);
    return kind === "fold" ? `f${at}-${to}` : kind === "day" ? `d${at}` : String(at);
  }).join(" ");
}

test.each([
  ["a line is a row", "1 1 1", "1 2 3"],
  ["a day has a row above its first line", "1 1 2 2", "1 2 d3 3 4"],
  ["a line without a time belongs to the day before", "1 - 2 - 2", "1 2 d3 3 4 5"],
  ["neighbours fold into one row", "1 1f 1f 1f 1", "1 f2-4 5"],
  ["no fold spans two days", "1f 1f 2f 2f 2", "f1-2 d3 f3-4 5"],
  ["what is behind a fold is found", "1f 1f 1f 2 2f 2f 3", "f1-3 d4 4 f5-6 d7 7"],
])("%s", (_, words, expected) => {
  expect(describe(rowsOf(words))).toBe(expected);
});

test("without lines there are no rows", () => {
  const rows = new Rows();
  rows.update(new LineCache(), "utc", true);
  expect(rows.count).toBe(0);
});

/** The same, one line after the other. */
function countByHand(words: readonly string[]): string {
  const found: string[] = [];
  let day = "";
  for (let at = 0; at < words.length; at++) {
    const own = words[at]?.[0] ?? "";
    if (own !== "-" && day !== "" && own !== day) found.push(`d${at + 1}`);
    if (own !== "-") day = own;
    let to = at;
    if (words[at]?.endsWith("f") === true) {
      while (words[to + 1] === words[at]) to += 1;
      found.push(`f${at + 1}-${to + 1}`);
    } else found.push(String(at + 1));
    at = to;
  }
  return found.join(" ");
}

test("lines that come, are read and are deleted give the rows that one would count by hand", () => {
  const word = fc.constantFrom("1", "1f", "2", "2f", "-");
  const step = fc.oneof(fc.record({ add: word }), fc.record({ remove: fc.nat() }));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), fc.array(step, { maxLength: 40 }), (before, steps) => {
      const words: string[] = [...before];
      const cache = new LineCache();
      const rows = new Rows();
      cache.reset(before.length);
      rows.update(cache, "utc", true);
      cache.put(1, before.map(lineOf));
      steps.forEach((each, n) => {
        if ("add" in each) {
          words.push(each.add);
          cache.apply(lineOf(each.add, before.length + n));
        } else if (words.length > 0) {
          const at = each.remove % words.length;
          words.splice(at, 1);
          words.push("3");
          deleteLine(cache, at + 1, encodeTime(startUs + 3 * dayUs + n));
        }
        rows.update(cache, "utc", true);
        expect(describe(rows)).toBe(countByHand(words));
        for (let row = 0; row < rows.count; row++) {
          const found = rows.rowAt(row);
          if (found.kind === "line") expect(rows.rowOf(found.at)).toBe(row);
        }
      });
    }),
  );
});
