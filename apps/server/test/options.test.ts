/** Options that would have no effect: each program says so, and does nothing. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const { PATH, NODE_COMPILE_CACHE } = process.env;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wirebook-options-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a program of the server with a history that does not exist; what it printed. */
function run(
  program: string,
  words: string,
  env: Record<string, string> = {},
): readonly [status: number | null, stdout: string, stderr: string] {
  const path = fileURLToPath(new URL(`../src/${program}`, import.meta.url));
  const argv = [path, ...words.split(" "), "--history", join(folder, "history.txt")];
  const options = { cwd: folder, encoding: "utf8", env: { PATH, NODE_COMPILE_CACHE, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, options);
  return [status, stdout, stderr];
}

const forNats =
  "is for a history on NATS, and this one is a file; leave it out, or type --history nats://HOST,HOST,HOST/NAME";

test.each([
  ["main.ts", "--port 0 --nats-nkey seed", `--nats-nkey ${forNats}`],
  ["main.ts", "--port 0 --nats-tls-ca=ca.pem", `--nats-tls-ca ${forNats}`],
  [
    "main.ts",
    "--port 0 --users registered --i-know",
    "--i-know is for --users open; leave it out, or type --users open",
  ],
  ["cli/history.ts", "export copy --nats-password-file password", `--nats-password-file ${forNats}`],
  ["cli/history.ts", "import copy --nats-credentials creds", `--nats-credentials ${forNats}`],
  ["cli/users.ts", "list --nats-nkey seed", `--nats-nkey ${forNats}`],
  ["cli/users.ts", "list --role admin", "--role is for add, not for list; leave it out"],
  ["cli/users.ts", "remove ada --role=member", "--role is for add, not for remove; leave it out"],
  ["cli/users.ts", "export copy --role member", "--role is for add, not for export; leave it out"],
  ["cli/users.ts", "import copy --role member", "--role is for add, not for import; leave it out"],
])("%s %s", async (program, words, sentence) => {
  expect(run(program, words)).toEqual([2, "", `wirebook: ${sentence}\n`]);
  expect(await readdir(folder)).toEqual([]);
});

test("an export creates no history where there is none", async () => {
  const sentence = `there is no ${join(folder, "history.txt")}; name a history with --history`;
  expect(run("cli/history.ts", "export copy")).toEqual([2, "", `wirebook: ${sentence}\n`]);
  expect(await readdir(folder)).toEqual([]);
});

test("the times of a list are those of this machine's time zone, with TZ=UTC those of the file", () => {
  expect(run("cli/users.ts", "add ada")).toMatchObject([0, expect.any(String), expect.any(String)]);
  const list = (zone: string): string => run("cli/users.ts", "list", { TZ: zone })[1];
  const [, utc = ""] = /^ada +member +(\S+Z) +-$/m.exec(list("UTC")) ?? [];
  const [, local = ""] = /^ada +member +(\S+\+05:45) +-$/m.exec(list("Asia/Kathmandu")) ?? [];
  expect(readFileSync(join(folder, "users.txt"), "utf8")).toContain(utc);
  expect(Date.parse(local)).toBe(Date.parse(utc));
});

test("variables of the environment for NATS are for whichever program has a history there", () => {
  const env = { WIREBOOK_NATS_NKEY: "seed", WIREBOOK_ROLE: "admin" };
  expect(run("cli/users.ts", "list", env)).toEqual([0, expect.stringContaining("NAME"), ""]);
});
