/** Archives: the first lines in a file of their own, beside the history and durable before it lets go of them [H-17]. */

import { readdir, readFile, rm, stat, writeFile, chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { encodeTime } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { openFileHistory } from "../src/index.ts";
import type { Archived, History } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import { applyLine, LineReader, linesOf, splitLines } from "./reading.ts";
import { actor, asked, fill, messagesOf } from "./suite/steps.ts";

const archive = (history: History, keep: Parameters<NonNullable<History["archive"]>>[1]): Promise<Archived> => {
  if (history.archive === undefined) throw new Error("this engine has no archive");
  return history.archive(actor, keep);
};
const daysAgo = (days: number): string => encodeTime((Date.now() - days * 86_400_000) * 1000);
const linesIn = async (path: string): Promise<string[]> => splitLines(await readFile(path, "utf8"));

test.each([
  [0, 4, ["archived"]],
  [1, 3, ["d", "archived"]],
  [3, 1, ["b", "c", "d", "archived"]],
])("an archiving that keeps %i lines moves the others into a file beside", async (kept, moved, expected) => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await using history = await openFileHistory(path);
  const before = await fill(history, "a", "b", "c", "d");
  await chmod(path, 0o640);
  const copy = [...before];
  const feed = new LineReader(await history.follow());
  await using snapshot = await history.read();
  const { lines, file } = await archive(history, { lines: kept });
  expect(lines).toBe(moved);
  expect(file).toMatch(/^history\.txt\.archived-\d{8}T\d{6}\.\d{3}Z$/);
  expect(await linesIn(folder.file(file))).toEqual(before.slice(0, moved));
  expect((await stat(folder.file(file))).mode & 0o777).toBe(0o640);
  const after = await linesOf(history);
  expect(messagesOf(after)).toEqual(expected);
  expect(after.at(-1)).toMatch(new RegExp(` 127\\.0\\.0\\.1 brick archived lines 1-${moved} in ${file}$`));
  expect(await linesIn(path)).toEqual(after);
  applyLine(copy, (await feed.next()) ?? "");
  expect(copy).toEqual(after);
  expect(splitLines((await Array.fromAsync(snapshot.chunks)).join(""))).toEqual(before);
  expect(await history.append(asked("e"))).toMatchObject({ position: expected.length + 1 });
});

test("an archiving that keeps all there is changes nothing", async () => {
  await using folder = await createFolder();
  await using history = await openFileHistory(folder.file("history.txt"));
  const before = await fill(history, "a", "b");
  for (const keep of [{ lines: 2 }, { lines: 99 }, { days: 1 }])
    expect(await archive(history, keep)).toEqual({ lines: 0, file: "" });
  expect(await linesOf(history)).toEqual(before);
  expect((await readdir(folder.path)).filter((each) => each.includes("archived"))).toEqual([]);
});

test("an archiving by days goes by the times of the lines, and lines of others go with those before them", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  const older = [`${daysAgo(9)} ::1 "a"`, "9999, a note by hand", "", `${daysAgo(3.1)} ::1 "b"`, "x".repeat(99)];
  const newer = [`${daysAgo(2.9)} ::1 "c"`, "another note", `${daysAgo(1)} ::1 "d"`];
  await writeFile(path, `${[...older, ...newer].join("\n")}\n`);
  // Times are cut anywhere between two pieces.
  for (const rewritePieceBytes of [1, 7, 64, 4096]) {
    await using history = await openFileHistory(path, { rewritePieceBytes });
    const { lines, file } = await archive(history, { days: 3 });
    expect(lines).toBe(older.length);
    expect(await linesIn(folder.file(file))).toEqual(older);
    expect((await linesOf(history)).slice(0, -1)).toEqual(newer);
    await writeFile(path, `${[...older, ...newer].join("\n")}\n`);
  }
});

test("appends and deletes go on while lines are archived, and each line is in one file", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await using history = await openFileHistory(path, { rewritePieceBytes: 64 });
  await fill(history, ..."abcdefghij");
  const copy = await linesOf(history);
  const feed = new LineReader(await history.follow());
  const archiving = archive(history, { lines: 2 });
  const others = [history.deleteLine(actor, 1), archive(history, { lines: 0 })];
  const appends = [];
  for (let at = 0; at < 20; at++) {
    appends.push(history.append(asked(`${at}`)));
    await Promise.race([archiving, appends[at]]);
  }
  const archives = [await archiving, (await others[1]) as Archived];
  await Promise.all([...appends, ...others]);
  const after = await linesOf(history);
  const all = [...(await Promise.all(archives.map(({ file }) => linesIn(folder.file(file))))).flat(), ...after];
  // The first message was written before, so `j` was the first line that the first archiving left.
  expect(
    messagesOf(all)
      .filter((each) => each.length === 1 && each >= "a")
      .join(""),
  ).toBe("abcdefghi");
  expect(messagesOf(all).filter((each) => /^\d+$/.test(each))).toEqual(Array.from({ length: 20 }, (_, at) => `${at}`));
  while (copy.at(-1) !== after.at(-1)) applyLine(copy, (await feed.next()) ?? "");
  expect(copy).toEqual(after);
});

test("an archive that cannot be written leaves the history as it was", async () => {
  await using folder = await createFolder();
  await mkdir(folder.file("sub"));
  const path = join(folder.path, "sub", "history.txt");
  await using history = await openFileHistory(path);
  const before = await fill(history, "a", "b");
  // `history.txt.next` cannot be opened either: the archive goes again.
  await history.check();
  await rm(`${path}.next`);
  await mkdir(`${path}.next`);
  await expect(archive(history, { lines: 0 })).rejects.toMatchObject({ code: "storage-failed" });
  expect(await linesOf(history)).toEqual(before);
  expect((await readdir(folder.file("sub"))).filter((each) => each.includes("archived"))).toEqual([]);
  await history.append(asked("c"));
});
