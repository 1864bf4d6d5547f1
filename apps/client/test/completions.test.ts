import { operations } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { Completions } from "../src/prompt/completions.ts";

test("a username is completed from those that spoke before, the last one first", () => {
  const completions = new Completions(["otter 2", "brick 2 -5", "otter"]);
  expect(completions.complete("")).toEqual([["otter "], ""]);
  completions.noteMessage("brick~secret 2");
  expect(completions.complete("")).toEqual([["brick "], ""]);
  completions.noteMessage("brian");
  expect(completions.complete("br")).toEqual([["brian ", "brick "], "br"]);
  expect(completions.complete("x")).toEqual([[], "x"]);
});

test("an operation is completed from those that the server announced", () => {
  const completions = new Completions([]);
  expect(completions.complete("brick ")).toEqual([[], ""]);
  completions.noteOperations(operations);
  expect(completions.complete("brick 2")).toEqual([["2 "], "2"]);
  const [candidates, part] = completions.complete("brick ");
  expect(part).toBe("");
  expect(candidates).toContain("1 N [TIME]   delete line N");
  expect(candidates).toHaveLength(operations.length);
});

test("arguments are the user's own", () => {
  const completions = new Completions(["brick"]);
  completions.noteOperations(operations);
  expect(completions.complete("brick 2 ")).toEqual([[], ""]);
});
