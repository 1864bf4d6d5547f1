/** The tables of docs/reference/settings.md have every option, and no other. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeSettings } from "@wirebook/settings";
import { connect } from "../../client/src/connect.ts";
import { messages } from "../../client/src/messages.ts";
import { play } from "../../client/src/play.ts";
import { table as gatewayTable } from "../../gateway/src/config.ts";
import { table as serverTable } from "../../server/src/config.ts";

const document = readFileSync(new URL("../../../docs/reference/settings.md", import.meta.url), "utf8");

test.each([
  ["server", "## The server\n", serverTable],
  ["gateway", "## The gateway\n", gatewayTable],
  ["client", "## The client,", { ...messages.table, ...connect.table, ...play.table }],
])("the options of the %s, each with its variable and its default", (_name, heading, table) => {
  const [, ...rest] = document.split(heading);
  const rows = (rest.join(heading).split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| `--"));
  const told = rows.map((row) =>
    row
      .split("|")
      .slice(1, 4)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
  const help = describeSettings(table).replace(/\n {8,}/g, " ");
  const options = [...help.matchAll(/^ {2}--([\w-]+)\b.*\((WIREBOOK_\w+)(?:, (.+))?\)$/gm)];
  const wanted = options.map(([, name, variable, value = ""]) => [
    `--${name}`,
    variable,
    name === "page" ? "the built page" : value,
  ]);
  expect(told).toEqual(wanted);
});
