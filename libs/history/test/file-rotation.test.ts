/** Other programs take history.txt away under an open history: logrotate, mv, rm, sed -i, and what empties it [H-8]. */

import { once } from "node:events";
import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { appendFileSync, renameSync, truncateSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { openFileHistory } from "../src/index.ts";
import type { RequestEntry } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import { applyLine, LineReader, linesOf, splitLines } from "./reading.ts";
import { messagesOf } from "./suite/steps.ts";

const asked = (message: string): RequestEntry => ({ address: "127.0.0.1", message, isCut: false });
const actor = { user: "brick", address: "127.0.0.1" };
const timeForm = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`;
const linesIn = async (path: string): Promise<string[]> => (await readFile(path, "utf8")).split("\n").slice(0, -1);

/** A history of two lines whose own look never comes, with what its operator is told. */
async function openTwoLines(path: string, lookMs = 3_600_000) {
  const notices: string[] = [];
  const history = await openFileHistory(path, { lookMs, onNotice: (sentence) => notices.push(sentence) });
  await history.append(asked("a"));
  await history.append(asked("b"));
  return { history, notices };
}

describe("a history that another program rotates", () => {
  test.each([
    ["without a new file", async () => {}],
    ["with a new file", (path: string) => writeFile(path, "", { mode: 0o640, flag: "wx" })],
  ])("goes on in a new file, %s", async (_, create) => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const opened = await openTwoLines(path);
    await using history = opened.history;
    await chmod(path, 0o640);
    const before = await linesIn(path);
    const copy = [...before];
    const feed = new LineReader(await history.follow());
    await rename(path, `${path}.1`);
    await create(path);
    expect(await history.append(asked("c"))).toMatchObject({ position: 2 });
    const after = await linesOf(history);
    expect(after).toEqual([
      expect.stringMatching(new RegExp(`^${timeForm} - - archived lines 1-2 in history\\.txt\\.1$`)),
      expect.stringMatching(/"c"$/),
    ]);
    expect(await linesIn(path)).toEqual(after);
    expect(await linesIn(`${path}.1`)).toEqual(before);
    for (const line of await feed.take(2)) applyLine(copy, line);
    expect(copy).toEqual(after);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(history.size()).toMatchObject({ lines: 2 });
    expect(opened.notices).toEqual([
      `${path}: another program has moved it away; its lines are in ${path}.1; the history goes on in a new file, from line 1.`,
    ]);
    await history.deleteLine(actor, 2);
    expect(messagesOf(await linesIn(path))).toEqual(["archived", "deleted-line"]);
  });

  test("says so to its followers without a request", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const { history } = await openTwoLines(path, 1);
    await using _ = history;
    const feed = new LineReader(await history.follow());
    await rename(path, `${path}.1`);
    expect(await feed.next()).toMatch(/ - - archived lines 1-2 in history\.txt\.1$/);
  });

  test("leaves no line behind a file without lines, and says the second file's count the second time", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await using history = await openFileHistory(path);
    await rename(path, `${path}.0`);
    await history.check();
    expect(await linesOf(history)).toEqual([]);
    await history.append(asked("a"));
    await rename(path, `${path}.1`);
    await history.append(asked("b"));
    await rename(path, `${path} of today`);
    await history.append(asked("c"));
    const [archived] = await linesOf(history);
    expect(archived).toMatch(/archived lines 1-2 in history\.txt\\u0020of\\u0020today$/);
  });

  test("is not taken for copied and emptied when it had no lines and the new file gets its permissions late", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await using history = await openFileHistory(path);
    await writeFile(`${path}.2`, "rotated before\n");
    await rename(path, `${path}.1`);
    await writeFile(path, "");
    await history.check();
    await chmod(path, 0o600);
    expect(await history.append(asked("a"))).toMatchObject({ position: 1 });
  });

  test("lets whoever reads the file before read on, and whoever follows slowly miss no line", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const { history } = await openTwoLines(path);
    await using _ = history;
    const before = await linesIn(path);
    await using snapshot = await history.read();
    const feed = new LineReader(await history.follow(1));
    for (const number of ["1", "2"]) {
      await rename(path, `${path}.${number}`);
      await history.append(asked(number));
    }
    const text = (await Array.fromAsync(snapshot.chunks)).join("");
    expect(text.split("\n").slice(0, -1)).toEqual(before);
    expect(messagesOf(await feed.take(6))).toEqual(["a", "b", "archived", "1", "archived", "2"]);
  });

  test("never has a line in both files, whenever a delete is in progress", async () => {
    await using folder = await createFolder();
    const text = Array.from({ length: 9 }, (_, at) => `note ${at + 1}\n`).join("");
    for (let turns = 0; turns < 12; turns++) {
      const path = folder.file(`history-${turns}.txt`);
      await writeFile(path, text);
      await using history = await openFileHistory(path, { rewritePieceBytes: 16 });
      const deleting = history.deleteLine(actor, 8, "note").catch((error: Error) => error);
      for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
      renameSync(path, `${path}.1`);
      await deleting;
      await history.append(asked("c"));
      const lines = [...(await linesIn(`${path}.1`)), ...(await linesIn(path))].filter((line) =>
        line.startsWith("note"),
      );
      const isDeleted = !("message" in (await deleting));
      expect(lines).toEqual(splitLines(text).filter((line) => !isDeleted || line !== "note 8"));
    }
  });

  test("refuses a delete or an archiving whose new file is about to take its place", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    let isRotating = false;
    const clock = (): number => {
      // The time of the result is asked for when all is copied.
      if (isRotating) renameSync(path, `${path}.${++rotations}`);
      isRotating = false;
      return 0;
    };
    let rotations = 0;
    await using history = await openFileHistory(path, { clock, lookMs: 3_600_000 });
    for (const change of [() => history.deleteLine(actor, 1), () => history.archive?.(actor, { lines: 1 })]) {
      await history.append(asked("a"));
      await history.append(asked("b"));
      isRotating = true;
      await expect(change()).rejects.toMatchObject({ code: "line-changed" });
    }
    await history.append(asked("c"));
    expect(messagesOf(await linesIn(`${path}.1`))).toEqual(["a", "b"]);
    expect(messagesOf(await linesIn(`${path}.2`))).toEqual(["archived", "a", "b"]);
    expect(messagesOf(await linesIn(path))).toEqual(["archived", "c"]);
    expect((await readdir(folder.path)).filter((each) => each.includes("archived"))).toEqual([]);
  });

  test("is as it was when the file is back in a moment", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const { history } = await openTwoLines(path);
    await using _ = history;
    // The server waits for its next file in one turn, so another thread puts the old one back.
    const script = `
      const { renameSync } = require("node:fs");
      const { parentPort, workerData: path } = require("node:worker_threads");
      renameSync(path, path + ".1");
      parentPort.postMessage("away");
      setTimeout(() => renameSync(path + ".1", path), 30);`;
    await once(new Worker(script, { eval: true, workerData: path }), "message");
    await history.append(asked("c"));
    expect(messagesOf(await linesOf(history))).toEqual(["a", "b", "c"]);
    expect(messagesOf(await linesIn(path))).toEqual(["a", "b", "c"]);
  });

  test("stops with a sentence where no file can take its place", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const { history } = await openTwoLines(path);
    await using _ = history;
    await rename(path, `${path}.1`);
    await mkdir(path);
    await expect(history.append(asked("c"))).rejects.toMatchObject({ code: "storage-failed" });
    expect((await history.ended)?.message).toMatch(/its lines are in .*history\.txt\.1; no file can take its place: /);
  });
});

describe("a history whose file another program", () => {
  test.each<[string, (path: string) => Promise<void>, string[]]>([
    ["removes", (path) => rm(path), ["archived", "c"]],
    [
      "replaces",
      (path) => writeFile(`${path}.new`, "new\n").then(() => rename(`${path}.new`, path)),
      ["new", "archived", "c"],
    ],
  ])("%s keeps its lines beside, and goes on", async (_, change, expected) => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const opened = await openTwoLines(path);
    await using history = opened.history;
    const { notices } = opened;
    const before = await linesIn(path);
    const copy = [...before];
    const feed = new LineReader(await history.follow());
    await change(path);
    await history.append(asked("c"));
    const after = await linesOf(history);
    expect(after.map((line) => (line === "new" ? line : messagesOf([line])[0]))).toEqual(expected);
    for (const line of await feed.take(after.length)) applyLine(copy, line);
    expect(copy).toEqual(after);
    const kept = /its lines are kept in (?<kept>[^;]+);/.exec(notices[0] ?? "")?.groups?.["kept"] ?? "";
    expect(kept).toMatch(/history\.txt\.rescued-\d{8}T\d{6}\.\d{3}Z$/);
    expect(await linesIn(kept)).toEqual(before);
    expect(after.join("\n")).toContain(`archived lines 1-2 in ${kept.split("/").at(-1)}`);
  });

  test("removes keeps its lines also when it closes before the next look", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const { history, notices } = await openTwoLines(path);
    const before = await linesIn(path);
    await rm(path);
    await history[Symbol.asyncDispose]();
    const name = (await readdir(folder.path)).find((each) => each.includes(".rescued-")) ?? "";
    expect(await linesIn(folder.file(name))).toEqual(before);
    expect(notices).toEqual([expect.stringContaining(`its lines are kept in ${folder.file(name)}`)]);
  });

  test("removes with its folder keeps its lines elsewhere, and stops", async () => {
    await using folder = await createFolder();
    await mkdir(folder.file("sub"));
    const path = folder.file("sub/history.txt");
    const { history } = await openTwoLines(path);
    await using _ = history;
    const before = await linesIn(path);
    await rm(folder.file("sub"), { recursive: true });
    await expect(history.append(asked("b"))).rejects.toMatchObject({ code: "storage-failed" });
    const { kept = "" } =
      /its lines are kept in (?<kept>[^;]+);/.exec((await history.ended)?.message ?? "")?.groups ?? {};
    expect(await linesIn(kept)).toEqual(before);
    await rm(kept);
  });

  test.each<[string, (path: string) => Promise<void>, number]>([
    ["empties", (path) => writeFile(path, ""), 0],
    ["shortens", (path) => writeFile(path, "short\n"), 1],
  ])("%s is counted again, and goes on", async (_, change, lines) => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const opened = await openTwoLines(path);
    await using history = opened.history;
    const { notices } = opened;
    const next = new LineReader(await history.follow()).next();
    await change(path);
    expect(await history.append(asked("c"))).toMatchObject({ position: lines + 1 });
    await expect(next).rejects.toMatchObject({ code: "line-changed" });
    expect(await linesOf(history)).toEqual(await linesIn(path));
    expect(notices).toEqual([expect.stringMatching(/counted again, and what it took out is gone\. Clients/)]);
  });

  test("cuts off inside a line gives that line an end", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const { history } = await openTwoLines(path);
    await using _ = history;
    const [first = ""] = await linesIn(path);
    await truncate(path, 10);
    await history.append(asked("c"));
    expect(await linesIn(path)).toEqual([first.slice(0, 10), expect.stringMatching(/"c"$/)]);
    expect(await linesOf(history)).toEqual(await linesIn(path));
  });

  test("copies and then empties ends, with the setting to use instead", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const { history } = await openTwoLines(path);
    await using _ = history;
    await appendFile(`${path}.1`, await readFile(path));
    await truncate(path, 0);
    await expect(history.append(asked("c"))).rejects.toMatchObject({ code: "storage-failed" });
    expect((await history.ended)?.message).toMatch(
      /copied it to .*history\.txt\.1 and emptied it, .*use create or nocreate instead of copytruncate$/,
    );
    expect(await linesIn(path)).toEqual([]);
  });

  test.each<[string, (path: string) => void, string[]]>([
    ["adds a line", (path) => appendFileSync(path, "by hand\n"), ["a", "b", "by hand", "c", "d"]],
    ["empties the file", (path) => truncateSync(path), ["c", "d"]],
  ])(
    "%s in the moment before a write, and nothing is acknowledged that was not counted",
    async (_, change, expected) => {
      await using folder = await createFolder();
      const path = folder.file("history.txt");
      let isChanging = false;
      // A line gets its time between the look and the write.
      const clock = (): number => {
        if (isChanging) change(path);
        isChanging = false;
        return 0;
      };
      await using history = await openFileHistory(path, { clock, lookMs: 3_600_000 });
      await history.append(asked("a"));
      await history.append(asked("b"));
      isChanging = true;
      await expect(history.append(asked("c"))).rejects.toMatchObject({ code: "line-changed" });
      expect(await history.append(asked("d"))).toMatchObject({ position: expected.length });
      expect(messagesOf(await linesOf(history))).toEqual(expected);
      expect(await linesIn(path)).toEqual(await linesOf(history));
    },
  );
});
