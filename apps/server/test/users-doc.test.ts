/** docs/reference/users.md, and the users' part of the limits, say what the code does. */

import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { usersErrorCodes } from "@wirebook/history";
import { keyRunCharactersMin, keyRunSortMin, findOperation, operations } from "@wirebook/protocol";
import { usersMax } from "@wirebook/history";
import {
  decodeUsers,
  usersBelievedMs,
  usersFileBytesMax,
  usersLockWaitMs,
} from "../../../libs/history/src/file/file-users.ts";
import { limitsDefault } from "../src/limits.ts";
import { hashKey, keyCharacters, modes } from "../src/auth/auth.ts";

const root = new URL("../../../", import.meta.url);
const read = (name: string): string => readFileSync(new URL(`docs/reference/${name}`, root), "utf8");
const doc = read("users.md");

/** The cells of the rows of the table whose head begins with a word. */
function table(head: string, text = doc): string[][] {
  const rows = text.split(new RegExp(`^\\| ${head} .*\\n\\|[-| ]+\\n`, "m"))[1]?.split("\n\n")[0] ?? "";
  return rows
    .split("\n")
    .filter((row) => row.startsWith("|"))
    .map((row) =>
      row
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

const count = (value: number): string => value.toLocaleString("en-US");
const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;

test("numbers its rules without a gap, and has every rule that the code cites", () => {
  const rules = [...doc.matchAll(/^\*\*\[(U-\d+)\]/gm)].map(([, rule]) => rule);
  expect(rules).toEqual(rules.map((_, at) => `U-${at + 1}`));
  const cited = ["apps", "libs"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.includes("node_modules") && name.includes("src/"))
      .flatMap((name) => [...readFileSync(new URL(`${folder}/${name}`, root), "utf8").matchAll(/\[(U-\d+)\]/g)])
      .map(([, rule = ""]) => rule),
  );
  expect(cited.length).toBeGreaterThan(10);
  expect(cited.filter((rule) => !rules.includes(rule))).toEqual([]);
});

test("has every limit as the code has it", () => {
  expect(Object.fromEntries(table("limit", read("limits.md").split("## Users\n")[1]))).toEqual({
    users: count(usersMax),
    "bytes of users.txt": `${usersFileBytesMax / 1024 / 1024} MiB`,
    "time until a change is taken up": `${usersBelievedMs} ms`,
    "time for which a change waits for another's": seconds(usersLockWaitMs),
    "characters of a key": count(keyCharacters),
    "delay of the first wrong key": `${limitsDefault.guessDelayMs} ms`,
    "longest delay": seconds(limitsDefault.guessDelayMsMax),
    "time until wrong keys are forgotten": seconds(limitsDefault.guessForgetMs),
    "addresses whose wrong keys are remembered": count(limitsDefault.guessAddressesMax),
    "held answers for an address": count(limitsDefault.guessesHeldEachMax),
    "held answers in all": count(limitsDefault.guessesHeldMax),
    "letters and digits in a row that may be a key": count(keyRunCharactersMin),
  });
  expect(doc.replaceAll(/\s+/g, " ")).toContain(
    `A run of ${keyRunCharactersMin} or more letters and digits, with at least ${keyRunSortMin} of each`,
  );
});

test("has the role of every operation", () => {
  expect(table("operation")).toEqual([
    ["none", "member"],
    ...operations.map(({ number, role }) => [String(number), role]),
    ["7", findOperation(7)?.role],
  ]);
});

test("has the modes and the error codes", () => {
  expect(modes.map((mode) => `--users ${mode}`).filter((option) => !doc.includes(option))).toEqual([]);
  const errors = read("errors.md");
  expect(usersErrorCodes.filter((code) => !errors.includes(`| \`${code}\` |`))).toEqual([]);
});

test("shows a file that is one, and hashes a key as the code does", () => {
  const text = /```text\n(# Wirebook's users[^`]+)```/.exec(doc)?.[1] ?? "";
  expect([...decodeUsers("users.txt", text).byName.keys()]).toEqual(["ada", "otter-42"]);
  const [, name = "", key = ""] = /printf '([^~']+)~(\w+)' \| sha256sum/.exec(doc) ?? [];
  expect(text).toContain(`${name} member ${hashKey(name, key)} `);
});
