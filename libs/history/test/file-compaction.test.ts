import { watch } from "node:fs";
import { readFile, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { decodeEntry } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { openFileHistory } from "../src/index.ts";
import type { RequestEntry, History } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import type { Folder } from "./folder.ts";
import { applyLine, LineReader, linesOf, splitLines, textOf } from "./reading.ts";

const asked = (message: string): RequestEntry => ({ address: "127.0.0.1", message, isCut: false });
const actor = { user: "brick", address: "127.0.0.1" };
const hasProc = process.platform === "linux";

/** How many descriptors this process has open for files in a folder, besides its lock. */
async function countDescriptors(folder: Folder): Promise<number> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return links.filter((link) => link.startsWith(folder.file("history.txt")) && !link.endsWith(".lock")).length;
}

/** How often the file gets replaced while the work is done. */
async function countReplacements(folder: Folder, work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const { promise: seenAll, resolve } = Promise.withResolvers<void>();
  const watcher = watch(folder.path, (event, name) => {
    if (event === "rename" && name === "history.txt") count += 1;
    if (name === "marker") resolve();
  });
  await work();
  await writeFile(folder.file("marker"), "");
  await seenAll;
  watcher.close();
  return count;
}

async function open(folder: Folder, lines: readonly string[]): Promise<History> {
  await writeFile(folder.file("history.txt"), lines.map((line) => `${line}\n`).join(""));
  return openFileHistory(folder.file("history.txt"), {
    rewritePieceBytes: 100,
    readChunkBytes: 70,
    indexBlockBytes: 64,
  });
}

const manyLines = Array.from({ length: 2000 }, (_, at) => `line ${at + 1}`);

describe("a rewrite", () => {
  test("happens for each delete of those that come together, and not for one that is refused", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, manyLines);
    const deletes = (): Promise<unknown> =>
      Promise.allSettled([10, 10, 2001, 10].map((line) => history.deleteLine(actor, line)));
    expect(await countReplacements(folder, deletes)).toBe(3);
    expect(await linesOf(history, { to: 1997 })).toEqual([...manyLines.slice(0, 9), ...manyLines.slice(12)]);
    expect(history.size().lines).toBe(2000);
  });

  test("that cannot be begun is no hindrance to the next", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, manyLines);
    await rm(folder.file("history.txt.next"));
    await symlink("elsewhere", folder.file("history.txt.next"));
    await expect(history.deleteLine(actor, 1)).rejects.toMatchObject({ code: "storage-failed" });
    await expect(history.deleteLine(actor, 1)).resolves.toMatchObject({ position: 2000 });
    expect(await readdir(folder.path)).not.toContain("elsewhere");
  });

  test("lets appends go on meanwhile and loses none of them", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, manyLines);
    const copy = [...manyLines];
    await using feed = await history.follow();
    let isDone = false;
    const deleted = history.deleteLine(actor, 1000, "line").finally(() => (isDone = true));
    let meanwhile = 0;
    for (; !isDone; meanwhile++) await history.append(asked(`meanwhile ${meanwhile}`));
    await deleted;
    // The first would be counted also if it had waited for the delete.
    expect(meanwhile).toBeGreaterThan(1);
    const reader = new LineReader(feed);
    const news = await reader.take(meanwhile + 1);
    for (const line of news) applyLine(copy, line);
    expect(await linesOf(history)).toEqual(copy);
    // The result comes behind appends that were asked for before it, so their times must be earlier than its own.
    const times = news.map((line) => line.slice(0, line.indexOf(" ")));
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => (a < b ? -1 : 1)));
    expect(await readFile(folder.file("history.txt"), "utf8")).toBe(`${copy.join("\n")}\n`);
  });

  test("gives every line a later time than the line before, whatever came at once", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, []);
    await history.append(asked("first"));
    await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        await history.append(asked(`${at}`));
        if (at % 4 === 0) await history.deleteLine(actor, 1);
        await history.append(asked(`${at} again`));
      }),
    );
    const times = (await linesOf(history)).map((line) => line.slice(0, line.indexOf(" ")));
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test("leaves the index right: every line is found", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, manyLines);
    await Promise.all([7, 500, 1990].map((line) => history.deleteLine(actor, line)));
    await history.append(asked("last"));
    const lines = await linesOf(history);
    for (const line of [1, 6, 7, 8, 499, 1989, 1998, 2000, 2001]) {
      expect(await linesOf(history, { from: line, to: line })).toEqual([lines[line - 1]]);
    }
  });
});

describe("a reader", () => {
  test("that is slow gets an exact copy over several rewrites", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, manyLines);
    await using feed = await history.follow(1);
    for (let round = 0; round < 6; round++) {
      await Promise.all([
        history.append(asked(`round ${round}`)),
        history.deleteLine(actor, 1),
        history.deleteLine(actor, 1),
      ]);
      if (round === 3) await history.deleteAll(actor);
    }
    const end = await history.append(asked("the end"));
    const copy: string[] = [];
    const reader = new LineReader(feed);
    while (copy.at(-1)?.startsWith(end.time) !== true) applyLine(copy, (await reader.take(1))[0] as string);
    expect(await linesOf(history)).toEqual(copy);
  });

  test.skipIf(!hasProc)(
    "keeps the generations that it has not read, and the last one to leave closes them",
    async () => {
      await using folder = await createFolder();
      await using history = await open(folder, manyLines);
      expect(await countDescriptors(folder)).toBe(1);
      const feed = await history.follow(1);
      const snapshot = await history.read();
      await history.deleteLine(actor, 1);
      const second = await history.read();
      await history.deleteLine(actor, 1);
      expect(await countDescriptors(folder)).toBe(3);
      await feed[Symbol.asyncDispose]();
      expect(await countDescriptors(folder)).toBe(3);
      expect(splitLines(await textOf(snapshot))).toEqual(manyLines);
      expect(await countDescriptors(folder)).toBe(2);
      await second[Symbol.asyncDispose]();
      expect(await countDescriptors(folder)).toBe(1);
      await history[Symbol.asyncDispose]();
      expect(await countDescriptors(folder)).toBe(0);
    },
  );

  test.skipIf(!hasProc)("holds one generation only when it has read the others", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, manyLines);
    await using feed = await history.follow();
    const reader = new LineReader(feed);
    for (let round = 0; round < 5; round++) {
      await history.deleteLine(actor, 1);
      const [line = ""] = await reader.take(1);
      expect(decodeEntry(line)).toMatchObject({ result: { verb: "deleted-line", line: 1 } });
      expect(await countDescriptors(folder)).toBe(1);
    }
  });

  test.skipIf(!hasProc)("that leaves in the middle of a chunk lets go", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, manyLines);
    for await (const chunk of (await history.read()).chunks) {
      expect(chunk.length).toBe(70);
      await history.deleteAll(actor);
      break;
    }
    expect(await countDescriptors(folder)).toBe(1);
  });

  test("gets chunks of the size that was asked for, cut anywhere", async () => {
    await using folder = await createFolder();
    await using history = await open(folder, manyLines);
    const sizes: number[] = [];
    for await (const chunk of (await history.read({ from: 2, to: 31 })).chunks) sizes.push(chunk.length);
    const bytes = manyLines.slice(1, 31).join("\n").length + 1;
    expect(sizes).toEqual([70, 70, 70, bytes - 210]);
  });
});
