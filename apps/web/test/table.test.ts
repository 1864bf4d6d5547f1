import { expect, test } from "vitest";
import { tableOf } from "../src/conversation/table.ts";

test("takes lines of the history apart", () => {
  const request = '2026-11-22T20:31:05.123456Z 127.0.0.1 "brick 1 3"';
  const result = "2026-11-22T20:31:05.124010Z 127.0.0.1 brick deleted all";
  expect(tableOf(`${request}\n${result}\n`)).toEqual([
    ["2026-11-22T20:31:05.123456Z", "127.0.0.1", "brick 1 3"],
    ["2026-11-22T20:31:05.124010Z", "127.0.0.1", "brick deleted all"],
  ]);
});

test("takes lines apart that tabs or commas separate, with commas in quotes", () => {
  expect(tableOf("a\tb\r\nc\td\r\n")).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  expect(tableOf('name,size\n"x, ""y""",2\n,3\n')).toEqual([
    ["name", "size"],
    ['x, "y"', "2"],
    ["", "3"],
  ]);
});

test("keeps a line of another form among many as one cell", () => {
  const entry = '2026-11-22T20:31:05.123456Z 127.0.0.1 "brick"';
  const lines = Array.from({ length: 200 }, () => entry);
  expect(tableOf([...lines, "external", ""].join("\n"))?.at(-1)).toEqual(["external"]);
});

test.each([["one\ntwo\n"], ["a,b\nc\n"], ["a,b\n"], ["Hello, you\nand me\n"]])("finds no columns in %j", (reply) => {
  expect(tableOf(reply)).toBeUndefined();
});
