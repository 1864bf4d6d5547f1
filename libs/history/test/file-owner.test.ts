import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFileHistory } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import { startChild } from "./processes.ts";
import type { Child, Fact } from "./processes.ts";
import { linesOf } from "./reading.ts";

test("refuses a history that another process has open, and names the file and the process", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await using owner = startChild(path);
  expect(await owner.next()).toMatchObject({ isOpen: true });
  await expect(openFileHistory(path)).rejects.toMatchObject({
    name: "HistoryError",
    code: "in-use",
    message: `${path} is in use by process ${owner.pid}; stop that one, or choose another file`,
  });
});

test("refuses a history that this process has open", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await using history = await openFileHistory(path);
  await expect(openFileHistory(path)).rejects.toMatchObject({ code: "in-use" });
  await history.append({ address: "::1", message: "still mine", isCut: false });
});

test("refuses a history that is reached by another name", async () => {
  await using folder = await createFolder();
  await mkdir(folder.file("real"));
  await symlink("real", folder.file("linked-folder"));
  await symlink(join("real", "history.txt"), folder.file("linked-file"));
  await using history = await openFileHistory(join(folder.path, "real", "history.txt"));
  await expect(openFileHistory(folder.file("linked-file"))).rejects.toMatchObject({ code: "in-use" });
  await expect(openFileHistory(join(folder.path, "linked-folder", "history.txt"))).rejects.toMatchObject({
    code: "in-use",
  });
  expect(history.size().lines).toBe(0);
});

test("keeps a history its owner's over deletes, which replace the file", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await using history = await openFileHistory(path);
  await history.append({ address: "::1", message: "a", isCut: false });
  await history.deleteAll({ user: "brick", address: "::1" });
  await using other = startChild(path);
  expect(await other.next()).toMatchObject({ code: "in-use" });
});

test("lets the next process have it at once when its owner was killed, with every line it acknowledged", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  for (let round = 0; round < 5; round++) {
    await using owner = startChild(path);
    expect(await owner.next()).toMatchObject({ isOpen: true, lines: round });
    expect(await owner.append(`round ${round}`)).toMatchObject({ position: round + 1 });
    await owner.kill();
  }
  await using history = await openFileHistory(path);
  expect(await linesOf(history)).toHaveLength(5);
});

test("lets the next process have it when its owner closed it", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await (await openFileHistory(path))[Symbol.asyncDispose]();
  expect(await readFile(`${path}.lock`, "utf8")).toBe("");
  await using history = await openFileHistory(path);
  expect(history.size().lines).toBe(0);
});

test("has exactly one owner when twenty processes start at once, also through a symbolic link", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await symlink("history.txt", folder.file("link.txt"));
  const children: Child[] = Array.from({ length: 20 }, (_, at) =>
    startChild(at % 2 === 0 ? path : folder.file("link.txt")),
  );
  try {
    const facts = await Promise.all(children.map((child) => child.next()));
    const owners = children.filter((_, at) => facts[at]?.isOpen === true);
    const refusals = facts.filter((fact): fact is Fact => fact?.isOpen !== true);
    expect(owners).toHaveLength(1);
    expect(refusals.map(({ code }) => code)).toEqual(refusals.map(() => "in-use"));
    for (const { message } of refusals) expect(message).toContain(`process ${owners[0]?.pid}`);
  } finally {
    await Promise.all(children.map((child) => child.kill()));
  }
});
