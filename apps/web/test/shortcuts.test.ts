import { expect, test } from "vitest";
import document from "../../../docs/reference/shortcuts.md?raw";
import { filterHelp } from "../src/history/search/filter.ts";
import { shortcuts } from "../src/ui/shortcuts.ts";

/** What the rows of the table below a title say. */
function rowsUnder(title: string): string[] {
  const [section = ""] = document.split(`\n## ${title}\n`)[1]?.split("\n## ") ?? [];
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) => row.slice(2, -2).replaceAll("`", ""));
}

test("the documents have the shortcuts and filters of the page, each where it works, and no other", () => {
  const tables = { ...shortcuts, "Filter of the history": filterHelp };
  for (const [title, entries] of Object.entries(tables)) {
    const wanted = entries.map(([keys, does]) => `${keys} | ${does}`);
    expect(rowsUnder(title)).toEqual(wanted);
  }
  const titles = [...document.matchAll(/^## (.+)\n\n\| /gmu)].map(([, title]) => title);
  expect(titles).toEqual(Object.keys(tables));
});
