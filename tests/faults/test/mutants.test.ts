/** A negative control is one only as long as its mutant fits the source, and a mutant has a use only in a negative control. */

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { expect, test } from "vitest";
import { findModules } from "../../../bench/harness/modules.ts";
import type { FaultTest } from "../framework/fault-test.ts";
import { editsOf, mutants, mutate } from "../mutants.ts";
import type { MutantName } from "../mutants.ts";

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

test("every mutant is some fault test's negative control", async () => {
  const used = new Set<string | undefined>();
  for (const [, url] of await findModules(new URL("../", import.meta.url), ".fault.ts")) {
    const { faultTest } = (await import(url.href)) as { faultTest: FaultTest };
    for (const control of faultTest.negativeControls) if ("mutant" in control) used.add(control.mutant);
  }
  expect(names.filter((name) => !used.has(name))).toEqual([]);
});

test("a text that is not found, or found twice, makes no mutant", () => {
  const edit = { file: "a.ts", find: "x", replace: "y" };
  expect(mutate("a x b", [edit])).toBe("a y b");
  expect(() => mutate("a b", [edit])).toThrow('a.ts must have "x" exactly once');
  expect(() => mutate("x x", [edit])).toThrow("exactly once");
});
