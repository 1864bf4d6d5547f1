/** The figures of the table of bridges are those that were measured. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");

/** The rows of the table whose head starts with these cells. */
function table(document: string, head: string): string[][] {
  const lines = document.split("\n");
  const from = lines.findIndex((line) => line.replaceAll(/ +/g, " ").startsWith(`| ${head} |`));
  const to = lines.findIndex((line, at) => at > from && !line.startsWith("|"));
  return lines.slice(from, to).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const [names = [], ...rows] = table(read("docs/explanation/comparison.md"), "| Wirebook | websockify");

test.each([
  ["64 at once", "exchanges a second, of direct TCP, 64 at once"],
  ["a reply of 100 MiB", "a reply of 100 MiB, speed of direct TCP"],
])("the comparison has the ratios of the table %s", (head, rowName) => {
  const row = rows.find(([name]) => name === rowName) ?? [];
  const measured = table(read("bench/results/2026-11.md"), head)
    .map(([name = "", , ratio = ""]) => [name.replace(/[ ,].*/, ""), ratio] as const)
    .filter(([name]) => names.includes(name));
  expect(measured.map(([name]) => name)).toContain("Wirebook");
  for (const [name, ratio] of measured) expect({ name, ratio: row[names.indexOf(name)] }).toEqual({ name, ratio });
});
