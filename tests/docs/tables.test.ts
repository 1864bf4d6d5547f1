/** What the documents list is what the sources have, where no test of a part holds them together. */

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { flowBytesKept, flowsKept, streamBounds } from "../../apps/web/src/limits.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(`${root}/${path}`, "utf8");
const sources = globSync("{apps,libs}/*/src/**/*.{ts,svelte}", { cwd: root }).map(read);

/** The rows of the tables in a section, cell by cell, without backquotes. */
function rowsUnder(document: string, heading: string): string[][] {
  const section = document.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

test("README has at most 1,000 words", () => {
  const words = read("README.md")
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  expect(words.length).toBeLessThanOrEqual(1000);
});

test("README's settings are settings, with their defaults", () => {
  const settings = read("docs/reference/settings.md");
  const rows = rowsUnder(read("README.md"), "Settings that people need").slice(1);
  expect(rows).toHaveLength(8);
  for (const [option = "", value = ""] of rows) {
    const name = option.split(" ")[0] ?? "";
    const row = settings.split("\n").find((line) => line.includes(`| \`${name}\` |`));
    expect([name, row?.split("|").at(-3)?.trim()]).toEqual([name, value === "none" ? "" : value]);
  }
});

test("the review of dependencies names every package that is depended on, and no other", () => {
  const manifests = ["package.json", ...globSync("{apps,libs}/*/package.json", { cwd: root })];
  const depended = manifests.flatMap((path) => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read(path)) as Record<string, object>;
    return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  });
  const rows = [...read("docs/explanation/dependencies.md").matchAll(/^\| (`[^|]+)/gmu)].map(([, cell = ""]) => cell);
  const reviewed = rows.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/gu)].map(([, name]) => name));
  expect(new Set(reviewed)).toEqual(new Set(depended.filter((name) => !name.startsWith("@wirebook/"))));
});

const variablesIn = (text: string): Set<string> => new Set(text.match(/\bWIREBOOK_[A-Z_]+\b/g));

test("the settings have every environment variable of the sources, and no other", () => {
  expect(variablesIn(read("docs/reference/settings.md"))).toEqual(variablesIn(sources.join("\n")));
});

/** The events that a source names: `event: "…"`, or a union of them. */
const eventsOf = (...paths: string[]): Set<string> => {
  const found = paths.flatMap((path) =>
    [...read(path).matchAll(/\bevent: ("[^;,}]+")/g)].flatMap(([, names = ""]) => [...names.matchAll(/"([\w-]+)"/g)]),
  );
  return new Set(found.map(([, name = ""]) => name));
};

test.each([
  ["The server", eventsOf("apps/server/src/request-log.ts")],
  ["The gateway", eventsOf("apps/gateway/src/telemetry/access-log.ts", "apps/gateway/src/main.ts")],
])("the log events of %s are all there, and no other", (heading, events) => {
  const rows = rowsUnder(read("docs/reference/log-events.md"), heading).slice(1);
  expect(events.size).toBeGreaterThan(6);
  expect(new Set(rows.map(([name]) => name))).toEqual(events);
});

const mebibytes = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;

test("the limits of watching are those of the page", () => {
  const { firstEventsKept, lastEventsKept, bytesKept } = streamBounds.flow;
  const [flows, flow] = rowsUnder(read("docs/reference/limits.md"), "Watching, on the page").slice(1);
  expect(flows?.[1]).toBe(`${flowsKept.toLocaleString("en")}, with ${mebibytes(flowBytesKept)} of bytes`);
  const events = (firstEventsKept + lastEventsKept).toLocaleString("en");
  expect(flow?.[1]).toBe(`${mebibytes(bytesKept)}, and ${events} events`);
});

test("the log events name what each operation is called there", () => {
  const verbs = [...read("apps/server/src/request/operations.ts").matchAll(/case "([\w-]+)":/g)];
  expect(verbs.length).toBeGreaterThan(6);
  const events = read("docs/reference/log-events.md");
  expect(verbs.filter(([, verb = ""]) => !events.includes(`\`${verb}\``))).toEqual([]);
});

test("the index of the documents leads to each of them", () => {
  const index = read("docs/README.md");
  const documents = globSync("docs/**/*.md", { cwd: root }).filter(
    (path) => path !== "docs/README.md" && !path.includes("/adr/"),
  );
  expect(documents.filter((path) => !index.includes(`](${path.slice("docs/".length)})`))).toEqual([]);
});
