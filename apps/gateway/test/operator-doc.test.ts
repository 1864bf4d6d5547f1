/** docs/gateway.md, the dashboard beside it and the gateway must not tell different stories. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { optionsHelp } from "../src/config.ts";
import { openPage } from "./page.ts";
import { openEcho, openGateway } from "./rig.ts";

const read = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const document = read("gateway.md");

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

/** The names and kinds of the gateway's own metrics, and the names of all, by what `/metrics` says of itself. */
async function metricsNow(): Promise<{ own: Map<string, string>; all: Set<string> }> {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
  await using page = await openPage(gateway);
  await page.ask({ type: "request", id: 1, user: "brick" });
  const text = await (await fetch(`http://${gateway.host}/metrics`)).text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", kind = ""]) => [name, kind] as const);
  const suffixed = types.flatMap(([name, kind]) =>
    kind === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix) : [name],
  );
  return { own: new Map(types.filter(([name]) => name.startsWith("wirebook_"))), all: new Set(suffixed) };
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
  const { own } = await metricsNow();
  const rows = rowsOf(/^\| `wirebook_/).map(([name = "", kind = ""]) => [name, kind] as const);
  expect(new Map(rows)).toEqual(own);
});

test("the dashboard asks for metrics that there are, and for every one of the gateway's that can be drawn", async () => {
  const { own, all } = await metricsNow();
  const expressions = [...read("grafana-dashboard.json").matchAll(/"expr": "([^"]+)"/g)].map(([, text = ""]) => text);
  const asked = new Set(expressions.flatMap((text) => text.match(/\b(?:wirebook|process|nodejs)_\w+/g) ?? []));
  expect([...asked].filter((name) => !all.has(name))).toEqual([]);
  const drawn = [...own.keys()].filter((name) => name !== "wirebook_gateway_info");
  expect(drawn.filter((name) => ![...asked].some((each) => each.startsWith(name)))).toEqual([]);
});
