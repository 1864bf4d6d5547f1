/** Users that move between stores, by the real program [U-11]. */

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const main = fileURLToPath(new URL("../src/cli/users.ts", import.meta.url));
const header = "# Wirebook's users: NAME ROLE HASH CREATED BY. Change them with: wirebook users";
const ada = "ada admin sha256:00ff 2026-11-24T14:29:25.019Z -";
const bo = "bo member sha256:01ff 2026-11-24T14:31:07.480Z ada";
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wirebook-users-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** The path of the users of a place, which is made with these. */
async function place(name: string, ...users: string[]): Promise<string> {
  await mkdir(join(folder, name));
  const path = join(folder, name, "users.txt");
  if (users.length > 0) await writeFile(path, `${[header, ...users].join("\n")}\n`, { mode: 0o600 });
  return path;
}

function run(at: string, ...words: string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, ...words, "--history", join(folder, at, "history.txt")],
    { encoding: "utf8", env: { PATH: process.env.PATH } },
  );
  expect(stdout).toBe("");
  return { status, said: stderr };
}

test("go from one store to another with keys, roles and origin, by way of a file that only its owner can read", async () => {
  await place("old", bo, ada);
  const to = await place("new");
  const copy = join(folder, "copy.txt");
  expect(run("old", "export", copy)).toMatchObject({ status: 0, said: expect.stringContaining("the 2 users of") });
  expect((await stat(copy)).mode & 0o777).toBe(0o600);
  expect(await readFile(copy, "utf8")).toBe(`${[header, ada, bo].join("\n")}\n`);
  expect(run("new", "import", copy)).toMatchObject({ status: 0, said: expect.stringContaining("2 users of") });
  expect(await readFile(to, "utf8")).toBe(`${[header, ada, bo].join("\n")}\n`);
});

test("can be brought in again where it broke off", async () => {
  const from = await place("old", ada, bo);
  const to = await place("new", ada);
  expect(run("new", "import", from).said).toMatch(/1 user of .*; 1 more had been before\.\n$/);
  expect(await readFile(to, "utf8")).toBe(`${[header, ada, bo].join("\n")}\n`);
});

test("take no name from anybody", async () => {
  const from = await place("old", ada, bo);
  const other = ada.replace("00ff", "22ff");
  const to = await place("new", other);
  const { status, said } = run("new", "import", from);
  expect([status, said]).toEqual([
    1,
    expect.stringMatching(/Skipped, because another user has the name there: ada\n$/),
  ]);
  expect(await readFile(to, "utf8")).toBe(`${[header, other, bo].join("\n")}\n`);
});

test("are not written over a file, nor read from one that is missing or something else, whose words are not repeated", async () => {
  const from = await place("old", ada);
  const before = await readFile(from, "utf8");
  expect(run("old", "export", from)).toMatchObject({ status: 1, said: expect.stringContaining("is there already") });
  expect(await readFile(from, "utf8")).toBe(before);
  expect(run("old", "import", join(folder, "none"))).toMatchObject({
    status: 1,
    said: expect.stringContaining("there is no"),
  });
  const secret = join(folder, "other.txt");
  await writeFile(secret, "hunter2 is the password\n");
  const { status, said } = run("old", "import", secret);
  expect([status, said]).toEqual([1, expect.stringContaining("line 1 of")]);
  expect(said).not.toContain("hunter2");
  expect(await readFile(from, "utf8")).toBe(before);
});

test("need the name of a file", async () => {
  await place("old");
  for (const verb of ["export", "import"]) {
    expect(run("old", verb)).toMatchObject({ status: 2, said: expect.stringContaining(`type: ${verb} FILE`) });
  }
});

test.skipIf(!existsSync("/dev/full"))("add no user whose key could not be printed", async () => {
  const path = await place("one");
  const full = openSync("/dev/full", "w");
  const words = [main, "add", "otter", "--history", join(folder, "one", "history.txt")];
  const stdio = ["ignore", full, "pipe"] as const;
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", stdio: [...stdio] });
  closeSync(full);
  expect([status, stderr]).toEqual([1, "wirebook: cannot write what was asked for (ENOSPC); nothing was done\n"]);
  expect(existsSync(path)).toBe(false);
});
