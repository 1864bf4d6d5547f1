/** The tables of docs/reference/settings.md have every option that the configuration file may have, and no other. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeSettings } from "@wirebook/settings";
import { allOptions } from "../../client/src/config.ts";
import { table as gatewayTable } from "../../gateway/src/config.ts";
import { table as serverTable } from "../../server/src/config.ts";

const document = readFileSync(new URL("../../../docs/reference/settings.md", import.meta.url), "utf8");

test.each([
  ["server", serverTable],
  ["gateway", gatewayTable],
  ["client", allOptions],
])("the options of the section %s, each with its variable and its default", (section, table) => {
  const rows = document.split("\n").filter((line) => line.startsWith(`| \`${section}.`));
  const told = rows.map((row) =>
    row
      .split("|")
      .slice(1, 5)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
  const help = describeSettings(table).replace(/\n {8,}/g, " ");
  const options = [...help.matchAll(/^ {2}--([\w-]+)\b.*\((WIREBOOK_\w+)(?:, (.+))?\)$/gm)];
  const wanted = options.map(([, name, variable, value = ""]) => [
    `${section}.${name}`,
    `--${name}`,
    variable,
    name === "page" ? "the built page" : value,
  ]);
  expect(told).toEqual(wanted.filter(([, option]) => option !== "--config"));
});
