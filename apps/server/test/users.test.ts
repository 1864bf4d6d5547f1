import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openFileUsers } from "@wirebook/history";
import { authenticationError, looksLikeKey, operations } from "@wirebook/protocol";
import { Follows } from "../src/request/follows.ts";
import { createName, createUser } from "../src/request/operations.ts";
import { createKey, hashKey, isRightKey, keyCharacters } from "../src/auth/auth.ts";
import { ask } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";
import type { Rig } from "./server-fixture.ts";

async function response(rig: Rig, message: string): Promise<string> {
  const reply = await ask(rig.port, `${message}\n`);
  return reply.startsWith(header) ? reply.slice(header.length) : reply;
}

describe("a key", () => {
  test("is never the same, and always known for one", () => {
    const keys = Array.from({ length: 500 }, createKey);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) {
      expect(key).toMatch(new RegExp(`^[0-9a-hjkmnp-tv-z]{${keyCharacters}}$`));
      expect(looksLikeKey(key)).toBe(true);
    }
  });

  test("fits its own name and hash only", () => {
    const [key, other] = [createKey(), createKey()];
    const hash = hashKey("ada", key);
    expect(isRightKey("ada", key, hash)).toBe(true);
    expect(isRightKey("ada", other, hash)).toBe(false);
    expect(isRightKey("eve", key, hash)).toBe(false);
    for (const nonsense of ["", "sha256:", "sha256:00", hash.slice(7), `md5:${hash.slice(7)}`]) {
      expect(isRightKey("ada", key, nonsense)).toBe(false);
    }
  });
});

test("a name that is made up is one that no user has, even when nearly all are taken", () => {
  const seen = new Set<string>();
  for (let at = 0; at < 20_000; at++) {
    const name = createName((each) => seen.has(each));
    expect(seen.has(name)).toBe(false);
    seen.add(name);
  }
});

describe("operation 4", () => {
  test("answers a new name with its key, which is then needed", async () => {
    await using rig = await openRig();
    const username = (await response(rig, "brick 4")).trimEnd();
    expect(username).toMatch(/^[a-z]+-\d\d~[0-9a-z]{26}$/);
    const [name = "", key = ""] = username.split("~");
    expect(await response(rig, `${username} 2 -1`)).toMatch(new RegExp(`"${name} 2 -1"\n$`));
    expect(await response(rig, `${name} 2`)).toBe(authenticationError);
    expect(await response(rig, `${name}~${key}x 2`)).toBe(authenticationError);
    expect(await response(rig, `${name.toUpperCase()} 2`)).toBe(authenticationError);
    expect(await response(rig, "brick")).toBe("");
  });

  test("leaves an outcome with the name and nowhere the key", async () => {
    await using rig = await openRig();
    const key = (await response(rig, "brick 4 otter")).trimEnd().split("~")[1] ?? "";
    const lines = await rig.lines();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^\S+ 127\.0\.0\.1 brick created user otter$/);
    await rig.server.stop();
    const files = await Promise.all(
      (await readdir(rig.folder)).map((name) => readFile(join(rig.folder, name), "utf8")),
    );
    expect([...files, JSON.stringify(rig.shown)].join("\n")).not.toContain(key);
  });

  test("takes the name that was asked for once only, whatever its case", async () => {
    await using rig = await openRig();
    const answers = await Promise.all(["a 4 otter", "b 4 OTTER", "c 4 Otter"].map((message) => response(rig, message)));
    expect(answers.filter((answer) => /^otter~\w{26}\n$/i.test(answer))).toHaveLength(1);
    expect(answers.filter((answer) => /^Error: the name \w+ is taken; choose another\n$/.test(answer))).toHaveLength(2);
    expect(rig.users.count).toBe(1);
    expect((await rig.lines()).filter((line) => line.includes(" created user "))).toHaveLength(1);
  });

  test("makes no user when the history does not take the outcome", async () => {
    await using rig = await openRig();
    const { history, users } = rig;
    await history[Symbol.asyncDispose]();
    const counters = { startedMs: 0, requests: 0 };
    const context = { history, users, counters, follows: new Follows(history, 1) };
    await expect(createUser(context, { user: "brick", address: "127.0.0.1" }, "otter")).rejects.toMatchObject({
      code: "closed",
    });
    expect([rig.users.find("otter"), await rig.users.list()]).toEqual([undefined, []]);
    expect((await readdir(rig.folder)).filter((name) => name.endsWith(".next") && name.startsWith("users"))).toEqual(
      [],
    );
  });

  test("says so and does nothing when the file of the users cannot be read", async () => {
    await using rig = await openRig();
    await rig.register("ada", "admin");
    await writeFile(join(rig.folder, "users.txt"), "nonsense\n");
    const answer = await response(rig, "brick 4 otter");
    expect(answer).toMatch(/^Error: the users could not be changed and nothing was done; .+\n$/);
    expect(answer).not.toContain(rig.folder);
    expect(await response(rig, "ada 2")).toBe(authenticationError);
    expect(await readFile(join(rig.folder, "users.txt"), "utf8")).toBe("nonsense\n");
  });
});

describe("a registered server", () => {
  test("lets only registered users speak, with their key", async () => {
    await using rig = await openRig({}, { mode: "registered" });
    const ada = await rig.register("ada", "member");
    expect(await response(rig, ada)).toBe("");
    for (const message of ["brick", "brick 2", "ada", "ada 2", "ada~ 2", "brick~x", "2 ada", "-ada 2"]) {
      expect(await response(rig, message)).toBe(authenticationError);
    }
  });

  test("keeps nothing but a tag of anything from an unauthenticated client, the same for the same word", async () => {
    await using rig = await openRig({}, { mode: "registered" });
    const [, key = ""] = (await rig.register("ada", "member")).split("~");
    const typo = `${key.slice(0, 12)}!${key.slice(13)}`;
    const messages = [
      `ada~${typo} 2`,
      `ada~${typo} 3`,
      `${typo} 2`,
      `2 ada~${key}`,
      `brick ${typo}`,
      `ada~${key}\xff 2`,
      `GET /${typo} HTTP/1.1`,
      `${"x".repeat(250)} ${typo} ${"y".repeat(2000)}`,
      "",
    ];
    for (const message of messages) await ask(rig.port, Buffer.from(`${message}\n`, "latin1"));
    await rig.server.stop();
    const asked = await rig.asked();
    expect(asked).toHaveLength(messages.length);
    for (const each of asked) expect(each).toMatch(/^unknown#[0-9a-f]{8}$/);
    expect(asked[0]).toBe(asked[1]);
    expect(new Set(asked).size).toBe(messages.length - 1);
    const all = `${JSON.stringify(rig.shown)}${(await rig.lines()).join("\n")}`;
    for (const piece of [key.slice(0, 12), key.slice(13)]) expect(all).not.toContain(piece);
  });

  test("asks for the role admin where something is deleted, and for no role elsewhere", async () => {
    await using rig = await openRig({}, { mode: "registered" });
    const users = { member: await rig.register("ada", "member"), admin: await rig.register("eve", "admin") };
    const messages = ["", " 1 1", " 2", " 3", " 4", " 6"];
    for (const role of ["member", "admin"] as const) {
      for (const words of messages) {
        const answer = await response(rig, `${users[role]}${words}`);
        const isAllowed =
          role === "admin" || operations.find(({ number }) => words.startsWith(` ${number}`))?.role !== "admin";
        expect([role, words, answer.includes("Error: ")]).toEqual([role, words, !isAllowed]);
      }
    }
    expect(await response(rig, `${users.member} 3`)).toBe(
      "Error: operation 3 needs the role admin, and ada is a member; ask the operator of the server for it\n",
    );
    expect(
      rig.users.find((await rig.users.list()).find(({ createdBy }) => createdBy === "ada")?.name ?? "")?.role,
    ).toBe("member");
  });

  test("takes up what another process changes", async () => {
    await using rig = await openRig({}, { mode: "registered" });
    await using others = openFileUsers(rig.historyPath);
    const key = createKey();
    const row = {
      name: "ada",
      role: "admin",
      keyHash: hashKey("ada", key),
      createdAt: new Date().toISOString(),
      createdBy: "-",
    } as const;
    const until = (expected: string): Promise<void> => expect.poll(() => response(rig, `ada~${key}`)).toBe(expected);
    expect(await response(rig, `ada~${key}`)).toBe(authenticationError);
    await others.add(row);
    await until("");
    await others.remove("ada");
    await until(authenticationError);
  });

  test("goes on with the users that it knew while their file cannot be read", async () => {
    await using rig = await openRig({}, { mode: "registered" });
    const ada = await rig.register("ada", "member");
    expect(await response(rig, ada)).toBe("");
    const path = join(rig.folder, "users.txt");
    const text = await readFile(path, "utf8");
    await writeFile(path, `${text}nonsense\n`);
    const complained = async (): Promise<number> => {
      await response(rig, ada);
      return rig.notices.length;
    };
    await expect.poll(complained).toBe(1);
    expect(rig.notices[0]).toMatch(/^The users stay as they were: line 3 of .* is no user; .+\.$/);
    expect(await response(rig, ada)).toBe("");
    await rm(path);
    await expect.poll(() => response(rig, ada)).toBe(authenticationError);
  });
});

test("on an open server a message shows no key, wherever it stands", async () => {
  await using rig = await openRig();
  const username = await rig.register("ada", "member");
  const key = username.slice("ada~".length);
  const messages = [
    `${username} 2`,
    `brick 2 ${username}`,
    `brick ~${key}`,
    `brick 4 ${username}`,
    `brick 1 1 ${username}`,
    `brick 1 1 ${key}`,
    `${key} 2`,
    `${username}\xff 2`,
    `brick~ 2 ${key}`,
    `GET /?user=${username} HTTP/1.1`,
    `${"x".repeat(245)} ${key} ${"y".repeat(2000)}`,
  ];
  for (const message of messages) await ask(rig.port, Buffer.from(`${message}\n`, "latin1"));
  await rig.server.stop();
  expect(await rig.asked()).toHaveLength(messages.length);
  const all = `${JSON.stringify(rig.shown)}${(await rig.lines()).join("\n")}`;
  for (const piece of [key.slice(0, 8), key.slice(-8)]) expect(all).not.toContain(piece);
});
