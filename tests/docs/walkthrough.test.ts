/** The walk through the code leads to what is there: each step names a file, and functions that it defines. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const steps = [
  ...read("docs/explanation/walkthrough.md").matchAll(/^\*\*`([^`]+)`\*\*([^]*?)(?=^\*\*`|^## |$(?![^]))/gm),
].map(([, path = "", text = ""]) => ({
  path,
  names: [...text.matchAll(/`(#?\w+)\(\)`/g)].map(([, name = ""]) => name),
}));

test("it has a step for each part on the way", () => {
  const parts = new Set(steps.map(({ path }) => path.split("/").slice(0, 2).join("/")));
  expect([...parts].toSorted()).toEqual(
    ["apps/gateway", "apps/server", "apps/web", "libs/history", "libs/net", "libs/protocol"].toSorted(),
  );
});

/** A function, or a method of a class. */
const definitionOf = (name: string): RegExp =>
  new RegExp(
    `^ *(?:export )?(?:async )?function ${name}\\b|^ {2}(?:(?:protected|override|abstract|async) )*${name}[(<]`,
    "m",
  );

test.each(steps.map(({ path, names }) => [path, names] as const))("%s defines %o", (path, names) => {
  const source = read(path);
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !definitionOf(name).test(source))).toEqual([]);
});
