/** Holds docs/reference/history-format.md, and its part of the errors and limits, against the code. */

import { readFileSync, readdirSync } from "node:fs";
import { decodeEntry, headCharactersMax, refusedBytesKept } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { historyErrorCodes } from "../src/index.ts";
import { gatherQuietTurns, gatherTurnsMax } from "../src/file/group-commit.ts";
import { lastTimeBytes } from "../src/file/monotonic-clock.ts";
import { fileHistoryDefaults } from "../src/file/storage.ts";
import { reservedBytes } from "../src/file/compaction.ts";
import { foreignRoundsMax } from "../src/file/storage.ts";

const root = new URL("../../../", import.meta.url);
const read = (name: string): string => readFileSync(new URL(`docs/reference/${name}`, root), "utf8");
const doc = read("history-format.md");

/** The first cells of the rows of the table of errors under a heading. */
function firstCells(heading: string): string[] {
  const section =
    read("errors.md")
      .split(`### ${heading}\n`)[1]
      ?.split(/\n##+ /)[0] ?? "";
  return [...section.matchAll(/^\| (`.+?`) \|/gm)].map(([, cell = ""]) => cell);
}

/** The rules that the sources of a part cite. */
function citedIn(folder: string): string[] {
  const files = readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const texts = files.map((name) => readFileSync(new URL(`${folder}/${name}`, root), "utf8"));
  return texts.flatMap((text) => [...text.matchAll(/\[(H-\d+)\]/g)].map(([, rule = ""]) => rule));
}

test("lists every error code, and none that does not exist", () => {
  const listed = [
    ...firstCells("What the history can answer"),
    ...firstCells("What opening a history or managing users can say"),
  ];
  const ours = listed.filter((code) => code !== "`no-such-user`");
  expect(ours.toSorted()).toEqual(historyErrorCodes.map((code) => `\`${code}\``).toSorted());
});

test("numbers its rules without a gap, and has every rule that the code cites", () => {
  const rules = [...doc.matchAll(/^\*\*\[(H-\d+)\]/gm)].map(([, rule]) => rule);
  expect(rules).toEqual(rules.map((_, at) => `H-${at + 1}`));
  const cited = [...citedIn("libs/history/src"), ...citedIn("libs/protocol/src")];
  expect(cited.length).toBeGreaterThan(20);
  expect(cited.filter((rule) => !rules.includes(rule))).toEqual([]);
});

test("shows entries only that the code takes for what they are meant to show", () => {
  const entries = [...doc.matchAll(/^2026-\S+Z .+$/gm)].map(([line]) => decodeEntry(line));
  expect(entries.filter(({ kind }) => kind === "external")).toEqual([]);
  expect(entries.map(({ kind }) => kind)).toEqual([
    "request",
    "request",
    "result",
    "request",
    "request",
    "request",
    "request",
    "request",
    "result",
    "result",
    "result",
    "result",
    "result",
  ]);
});

test("names the limits that the code has", () => {
  const limits = read("limits.md").split("## The history\n")[1]?.split("\n## ")[0] ?? "";
  expect(limits).toContain(`| ${refusedBytesKept} |`);
  expect(limits).toContain(`| characters of a first word in a result line [H-7] | ${headCharactersMax} |`);
  expect(limits).toContain(`gathered [H-10] | ${gatherTurnsMax} |`);
  expect(limits).toContain(`end it before [H-10] | ${gatherQuietTurns} |`);
  expect(limits).toContain(`leads to the file [H-8] | ${fileHistoryDefaults.lookMs / 1000} s |`);
  expect(limits).toContain(`keeps writing [H-8] | ${foreignRoundsMax} |`);
  expect(limits).toContain(`| ${lastTimeBytes / 1024} KiB |`);
  expect(limits).toContain(`| ${reservedBytes.toLocaleString("en")} bytes |`);
  expect(limits).toContain(`8 bytes for each ${fileHistoryDefaults.indexBlockBytes / 1024} KiB`);
});
