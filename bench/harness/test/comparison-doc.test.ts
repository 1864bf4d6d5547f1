/** The figures of README's table of bridges are those of docs/performance.md, which is where they are measured anew. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");

/** The rows of the table whose head starts with that cell. */
function table(document: string, head: string): string[][] {
  const lines = document.split("\n");
  const from = lines.findIndex((line) => line.startsWith(`| ${head}`));
  const to = lines.findIndex((line, at) => at > from && !line.startsWith("|"));
  return lines.slice(from, to).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const [names = [], ...rows] = table(read("README.md"), "| Wirebook | websockify");

test.each([
  ["64 at once", "exchanges a second, of direct TCP, 64 at once"],
  ["a reply of 100 MiB", "a reply of 100 MiB, speed of direct TCP"],
])("README has the ratios of the table %s", (head, rowName) => {
  const row = rows.find(([name]) => name === rowName) ?? [];
  const measured = table(read("docs/performance.md"), head)
    .map(([name = "", , ratio = ""]) => [name.replace(/[ ,].*/, ""), ratio] as const)
    .filter(([name]) => names.includes(name));
  expect(measured.map(([name]) => name)).toContain("Wirebook");
  for (const [name, ratio] of measured) expect({ name, ratio: row[names.indexOf(name)] }).toEqual({ name, ratio });
});
