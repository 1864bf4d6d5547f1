import { appendFile, readFile, rename, truncate, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { openFileHistory } from "../src/index.ts";
import type { Asked } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import { LineReader, linesOf } from "./reading.ts";

const asked = (message: string): Asked => ({ address: "127.0.0.1", message, isCut: false });
const actor = { user: "brick", address: "127.0.0.1" };

describe("another program", () => {
  test("that adds a line meanwhile loses nothing, and nothing is glued to it", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const notices: string[] = [];
    await using history = await openFileHistory(path, { onNotice: (sentence) => notices.push(sentence) });
    await history.append(asked("a"));
    await using feed = await history.follow();
    await appendFile(path, "by hand\nwithout an ending");
    expect(await history.append(asked("b"))).toMatchObject({ position: 4 });
    await appendFile(path, "before a delete\n");
    expect(await history.deleteLine(actor, 1)).toMatchObject({ position: 5 });
    const lines = await linesOf(history);
    expect(lines.filter((line) => !line.endsWith('"'))).toEqual([
      "by hand",
      "without an ending",
      "before a delete",
      expect.stringContaining("deleted line 1"),
    ]);
    expect(await readFile(path, "utf8")).toBe(`${lines.join("\n")}\n`);
    expect(await new LineReader(feed).take(5)).toEqual(lines);
    expect(notices).toEqual([
      `Another program added 25 bytes to ${path}; they are kept as they are.`,
      `Another program added 16 bytes to ${path}; they are kept as they are.`,
    ]);
  });

  test.each([
    {
      what: "replaces",
      change: async (path: string) => writeFile(`${path}.new`, "new\n").then(() => rename(`${path}.new`, path)),
    },
    { what: "moves away", change: (path: string) => rename(path, `${path}.1`) },
    { what: "shortens", change: (path: string) => truncate(path, 1) },
  ])("that $what the file ends the history, with nothing acknowledged", async ({ change }) => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await using history = await openFileHistory(path);
    await history.append(asked("a"));
    const feed = await history.follow();
    const next = new LineReader(feed).next();
    await change(path);
    const failed = { name: "HistoryError", code: "storage-failed" };
    const results = await Promise.allSettled([history.append(asked("b")), history.deleteAll(actor), next]);
    expect(results).toMatchObject(results.map(() => ({ status: "rejected", reason: failed })));
    await expect(history.append(asked("c"))).rejects.toMatchObject(failed);
    await expect(history.read()).rejects.toMatchObject(failed);
    expect(await history.ended).toMatchObject(failed);
  });
});
