import { expect, test } from "vitest";
import { encodeText } from "@wirebook/protocol";
import { tableOf } from "../src/conversation/views/table.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import { readOf } from "./gateway-peer.ts";
import { server } from "./stream-samples.ts";

function cellsOf(reply: string): readonly (readonly string[])[] | undefined {
  const intent = { target: { ...server, name: "other" }, user: "", message: "x", by: "user", end: true } as const;
  const stream = new Stream(1, intent, "connect", { atMs: 0, text: "" });
  stream.takeBytes(readOf(encodeText(reply)), 1, undefined);
  const table = tableOf(stream, 0);
  return table && reply.trimEnd().split(/\r?\n/u).map(table.split);
}

test("takes lines of the history apart", () => {
  const request = '2026-11-22T20:31:05.123456Z 127.0.0.1 "brick 1 3"';
  const result = "2026-11-22T20:31:05.124010Z 127.0.0.1 brick deleted all";
  expect(cellsOf(`${request}\n${result}\n`)).toEqual([
    ["2026-11-22T20:31:05.123456Z", "127.0.0.1", "brick 1 3"],
    ["2026-11-22T20:31:05.124010Z", "127.0.0.1", "brick deleted all"],
  ]);
});

test("takes lines apart that tabs or commas separate, with commas in quotes", () => {
  expect(cellsOf("a\tb\r\nc\td\r\n")).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  expect(cellsOf('name,size\n"x, ""y""",2\n,3\n')).toEqual([
    ["name", "size"],
    ['x, "y"', "2"],
    ["", "3"],
  ]);
});

test.each([["one\ntwo\n"], ["a,b\nc\n"], ["a,b\n"], ["Hello, you\nand me\n"]])("finds no columns in %j", (reply) => {
  expect(cellsOf(reply)).toBeUndefined();
});
