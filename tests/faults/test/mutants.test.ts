/** A negative control is one only as long as its mutant fits the source, and a mutant has a use only in a negative control. */

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { expect, test } from "vitest";
import { loadFaultTests } from "../framework/load.ts";
import { editsOf, mutants, mutate } from "../mutants.ts";
import type { MutantName } from "../mutants.ts";
import { brokenRow } from "../page.fault.ts";

const names = Object.keys(mutants) as MutantName[];

test.each(names)("the mutant %s fits the source that it changes", (name) => {
  const edits = editsOf(name);
  for (const file of new Set(edits.map((edit) => edit.file))) {
    const source = readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
    const mutated = mutate(
      source,
      edits.filter((edit) => edit.file === file),
    );
    expect(() => stripTypeScriptTypes(mutated), `${file} is still TypeScript`).not.toThrow();
  }
});

test("the broken row fits the page that it changes", () => {
  const source = readFileSync(new URL(`../../../${brokenRow.file}`, import.meta.url), "utf8");
  expect(mutate(source, [brokenRow])).not.toBe(source);
});

test("every mutant is some fault test's negative control", async () => {
  const controls = [...(await loadFaultTests()).values()].flatMap(({ negativeControls }) => negativeControls);
  const used = new Set(controls.map((control) => ("mutant" in control ? control.mutant : undefined)));
  expect(names.filter((name) => !used.has(name))).toEqual([]);
});

test("a text that is not found, or found twice, makes no mutant", () => {
  const edit = { file: "a.ts", find: "x", replace: "y" };
  expect(mutate("a x b", [edit])).toBe("a y b");
  expect(() => mutate("a b", [edit])).toThrow('a.ts must have "x" exactly once');
  expect(() => mutate("x x", [edit])).toThrow("exactly once");
});
