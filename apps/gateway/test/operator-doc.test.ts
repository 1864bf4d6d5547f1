/** docs/gateway.md and the gateway must not tell different stories. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { optionsHelp } from "../src/config.ts";
import { closedPort, openGateway } from "./rig.ts";
import { scrape } from "./scrape.ts";

const document = readFileSync(new URL("../../../docs/gateway.md", import.meta.url), "utf8");

/** The cells of the rows that begin with a word of that form. */
function rowsOf(form: RegExp): string[][] {
  const rows = document.split("\n").filter((line) => form.test(line));
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

test("the table of options has each option with its variable and its default, and no other", () => {
  const rows = rowsOf(/^\| `--/).map(([option, variable, value]) => [option, variable, value]);
  const help = [...optionsHelp.matchAll(/^ {2}(--[\w-]+)\b.*\((WIREBOOK_\w+)(?:, (.+))?\)$/gm)];
  const options = help.map(([, option, variable, value = ""]) => [
    option,
    variable,
    option === "--page" ? "the built page" : value,
  ]);
  expect(options.length).toBeGreaterThan(10);
  expect(rows).toEqual(options);
});

test("the table of metrics has each metric with its kind, and no other", async () => {
  await using gateway = await openGateway(await closedPort());
  const { kinds } = await scrape(gateway);
  const own = new Map([...kinds].filter(([name]) => name.startsWith("wirebook_")));
  const rows = rowsOf(/^\| `wirebook_/).map(([name = "", kind = ""]) => [name, kind] as const);
  expect(new Map(rows)).toEqual(own);
});
