import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openFileUsers, UsersError } from "../src/index.ts";
import { encodeUser, usersFileBytesMax } from "../src/file/file-users.ts";
import { createFolder } from "./folder.ts";
import { expectBound, userOf, usersSuite } from "./users-suite.ts";

const folder = await createFolder();
afterAll(() => folder[Symbol.asyncDispose]());

usersSuite("file", async (place) => {
  await mkdir(folder.file(place), { recursive: true });
  return openFileUsers(join(folder.file(place), "history.txt"));
});

describe("users in a file", () => {
  test("are in users.txt beside the file to which the history's name leads, which only its owner can read", async () => {
    await using place = await createFolder();
    await mkdir(place.file("real"));
    await writeFile(place.file("real/log"), "");
    await symlink(place.file("real/log"), place.file("history.txt"));
    await using users = openFileUsers(place.file("history.txt"));
    await users.add(userOf("ada"));
    expect(await readdir(place.path)).toEqual(["history.txt", "real"]);
    expect((await stat(place.file("real/users.txt"))).mode & 0o777).toBe(0o600);
    expect(await readdir(place.file("real"))).toEqual(["log", "users.txt", "users.txt.lock"]);
  });

  test("are taken from everybody else when their file had wrong permissions", async () => {
    await using place = await createFolder();
    await writeFile(place.file("users.txt"), `${encodeUser(userOf("ada"))}\n`);
    await chmod(place.file("users.txt"), 0o644);
    const notices: string[] = [];
    openFileUsers(place.file("history.txt"), { onNotice: (sentence) => notices.push(sentence) });
    expect((await stat(place.file("users.txt"))).mode & 0o777).toBe(0o600);
    expect(notices).toEqual([`${place.file("users.txt")} could be read by others; now only its owner can.`]);
  });

  test("are taken from everybody else also when that is changed later", async () => {
    await using place = await createFolder();
    const notices: string[] = [];
    await using users = openFileUsers(place.file("history.txt"), { onNotice: (sentence) => notices.push(sentence) });
    await users.add(userOf("ada"));
    await chmod(place.file("users.txt"), 0o644);
    await expect.poll(() => notices.length, { timeout: 20_000 }).toBe(1);
    expect((await stat(place.file("users.txt"))).mode & 0o777).toBe(0o600);
    expect(notices).toEqual([`${place.file("users.txt")} could be read by others; now only its owner can.`]);
  });

  test("that cannot be found are an error with a sentence", async () => {
    await using place = await createFolder();
    await symlink("users.txt", place.file("users.txt"));
    expect(() => openFileUsers(place.file("history.txt"))).toThrow(UsersError);
  });

  test("keep comments and whatever order a person gave them", async () => {
    await using place = await createFolder();
    const text = `# mine\n\n${encodeUser(userOf("zoe"))}\n  # and hers\n${encodeUser(userOf("ada"))}\n`;
    await writeFile(place.file("users.txt"), text, { mode: 0o600 });
    await using users = openFileUsers(place.file("history.txt"));
    await users.add(userOf("bo"));
    await users.remove("bo");
    expect(await readFile(place.file("users.txt"), "utf8")).toBe(text);
  });

  test.each([
    ["nonsense", "line 1 of .* is no user"],
    [`${encodeUser(userOf("ada"))}\n${encodeUser(userOf("Ada"))}`, "line 2 of .* has a name that a line above it has"],
    [encodeUser(userOf("ada")).replace("member", "king"), "line 1 of .* is no user"],
    [encodeUser(userOf("ada~s3cret")), "line 1 of .* is no user"],
    [encodeUser(userOf("ada\ufe0f")), "line 1 of .* has an invisible character in a name; put a # before it"],
  ])("are not opened from %j, and the sentence says where, not what", async (text, sentence) => {
    await using place = await createFolder();
    await writeFile(place.file("users.txt"), `${text}\n`, { mode: 0o600 });
    const open = (): unknown => openFileUsers(place.file("history.txt"));
    expect(open).toThrow(new RegExp(sentence));
    expect(open).not.toThrow(/s3cret|king|sha256/);
  });

  test("are not read from a file beyond the bound", async () => {
    await using place = await createFolder();
    const line = `#${"x".repeat(1023)}\n`.slice(0, 1024);
    const text = `${line.slice(0, -1)}\n`.repeat(usersFileBytesMax / 1024);
    await writeFile(place.file("users.txt"), text, { mode: 0o600 });
    await using users = openFileUsers(place.file("history.txt"));
    expect(users.count).toBe(0);
    await writeFile(place.file("users.txt"), `${text}#`, { mode: 0o600 });
    expect(() => openFileUsers(place.file("history.txt"))).toThrow(`and the limit is ${usersFileBytesMax}`);
  });

  test("are as many as the bound, and not one more", async () => {
    await using place = await createFolder();
    await expectBound(
      async () => openFileUsers(place.file("history.txt")),
      async (users) =>
        writeFile(place.file("users.txt"), users.map((user) => `${encodeUser(user)}\n`).join(""), { mode: 0o600 }),
    );
  });

  test("cannot be added in a folder that is not there", async () => {
    await using users = openFileUsers(folder.file("nowhere/history.txt"));
    await expect(users.add(userOf("ada"))).rejects.toMatchObject({ code: "users-failed" });
  });
});
