/** What a disk can do wrong: a small tmpfs that fills up, and an fdatasync that strace makes fail. */

import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import process from "node:process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { isFull } from "../src/file/disk.ts";
import { openFileHistory } from "../src/index.ts";
import type { RequestEntry, History, AppendResult } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import type { Folder } from "./folder.ts";
import { startChild } from "./processes.ts";
import { LineReader, linesOf } from "./reading.ts";

const asked = (message: string): RequestEntry => ({ address: "127.0.0.1", message, isCut: false });
const actor = { user: "brick", address: "127.0.0.1" };

/** Whether a command works here. */
function works(command: string, ...words: string[]): boolean {
  try {
    execFileSync(command, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function canMountHere(): Promise<boolean> {
  await using folder = await createFolder();
  return works("mount", "-t", "tmpfs", "-o", "size=4k", "none", folder.path) && works("umount", folder.path);
}

const canMount = await canMountHere();
const canTrace = works("strace", "-f", "-e", "inject=fdatasync:error=EIO:when=1", "-o", "/dev/null", "true");
const withoutMount = canMount ? "" : " (SKIPPED: needs root and a mount of tmpfs)";
const withoutTrace = canTrace ? "" : " (SKIPPED: needs strace)";

/** A file system in a folder; by default one of 64 KiB. */
async function mountSmall(folder: Folder, type = "tmpfs"): Promise<AsyncDisposable & { path: string }> {
  await mkdir(folder.file("small"));
  execFileSync("mount", ["-t", type, "-o", "size=64k", "none", folder.file("small")]);
  return {
    path: `${folder.file("small")}/history.txt`,
    async [Symbol.asyncDispose]() {
      execFileSync("umount", ["-l", folder.file("small")]);
    },
  };
}

/** Appends until the disk is full; returns the times of what was acknowledged. */
async function appendUntilFull(history: History, bytes: number): Promise<string[]> {
  const times: string[] = [];
  for (;;) {
    const written = await history.append(asked("x".repeat(bytes))).catch((error: unknown) => {
      expect(error).toMatchObject({ name: "HistoryError", code: "storage-full" });
      return undefined;
    });
    if (written === undefined) return times;
    times.push(written.time);
  }
}

async function timesOf(history: History): Promise<string[]> {
  return (await linesOf(history)).map((line) => line.slice(0, 27));
}

test("a quota that is used up is a full disk, though Node has no name for it", () => {
  const { EDQUOT, EIO } = constants.errno;
  // As Node's synchronous and its asynchronous calls put it.
  for (const code of ["UNKNOWN", `Unknown system error -${EDQUOT}`]) {
    expect(isFull(Object.assign(new Error(code), { code, errno: -EDQUOT }))).toBe(true);
    expect(isFull(Object.assign(new Error(code), { code, errno: -EIO }))).toBe(false);
  }
});

test.skipIf(!canMount)(`a full disk leaves no partial line and costs nothing acknowledged${withoutMount}`, async () => {
  await using folder = await createFolder();
  await using small = await mountSmall(folder);
  await using history = await openFileHistory(small.path);
  await using feed = await history.follow();
  const times = await appendUntilFull(history, 1000);
  expect(times.length).toBeGreaterThan(30);
  const batch = await Promise.allSettled(Array.from({ length: 9 }, () => history.append(asked("y".repeat(2000)))));
  expect(batch.map((result) => (result.status === "rejected" ? result.reason.code : ""))).toEqual(
    batch.map(() => "storage-full"),
  );
  expect(await timesOf(history)).toEqual(times);
  expect((await readFile(small.path)).length).toBe(history.size().bytes);
  expect((await new LineReader(feed).take(times.length)).map((line) => line.slice(0, 27))).toEqual(times);
});

test.skipIf(!canMount)(`takes appends again as soon as there is room${withoutMount}`, async () => {
  await using folder = await createFolder();
  await using small = await mountSmall(folder);
  await writeFile(`${small.path}.ballast`, Buffer.alloc(16 * 1024));
  await using history = await openFileHistory(small.path);
  const times = await appendUntilFull(history, 500);
  await rm(`${small.path}.ballast`);
  const more = await appendUntilFull(history, 500);
  expect(more.length).toBeGreaterThan(20);
  expect(await timesOf(history)).toEqual([...times, ...more]);
});

test.skipIf(!canMount)(
  `deletes all on a full disk, again and again, although a delete of one has no room${withoutMount}`,
  async () => {
    await using folder = await createFolder();
    await using small = await mountSmall(folder);
    await using history = await openFileHistory(small.path);
    for (let round = 0; round < 3; round++) {
      await appendUntilFull(history, 300);
      await appendUntilFull(history, 0);
      const before = await linesOf(history);
      await expect(history.deleteLine(actor, 1)).rejects.toMatchObject({ name: "HistoryError", code: "storage-full" });
      expect(await linesOf(history)).toEqual(before);
      const { time }: AppendResult = await history.deleteAll(actor);
      expect(await readFile(small.path, "utf8")).toBe(`${time} 127.0.0.1 brick deleted all\n`);
    }
  },
);

/** Joins two lines as an editor does that saves in place: the size stays. Returns how many there are then. */
function joinLines(path: string): number {
  const joined = readFileSync(path, "utf8").replace("one\ntwo", "one two");
  const fd = openSync(path, "r+");
  writeSync(fd, joined, 0);
  closeSync(fd);
  return joined.split("\n").length - 1;
}

test.skipIf(!canMount)(
  `another program's change of the same size is noticed where files have the times of clock ticks${withoutMount}`,
  async () => {
    await using folder = await createFolder();
    // Newer kernels give most file systems finer times, but not this one.
    await using mounted = await mountSmall(folder, "ramfs");
    const { path } = mounted;
    for (let round = 0; round < 20; round++) {
      await writeFile(path, "one\ntwo\n");
      await using history = await openFileHistory(path);
      await history.append(asked("a"));
      const lines = joinLines(path);
      expect(await history.append(asked("b"))).toMatchObject({ position: lines + 1 });
    }
  },
);

test.skipIf(!canTrace)(`a change of the same size is noticed that comes during a sync${withoutTrace}`, async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await writeFile(path, "one\ntwo\n");
  const log = folder.file("strace.log");
  const stop = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:signal=SIGSTOP:when=2", "-o", log];
  await using child = startChild(path, "strace", "-f", ...stop);
  expect(await child.next()).toMatchObject({ isOpen: true, lines: 2 });
  const appended = child.append("a");
  await expect.poll(() => readFile(log, "utf8"), { timeout: 20_000 }).toContain("stopped by SIGSTOP");
  const lines = joinLines(path);
  process.kill(Number(await readFile(`${path}.lock`, "utf8")), "SIGCONT");
  expect(await appended).toMatchObject({ position: 3 });
  expect(await child.append("b")).toMatchObject({ position: lines + 1 });
});

test.skipIf(!canTrace)(
  `a failed fdatasync is never an acknowledgement, and is never tried again${withoutTrace}`,
  async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    const log = folder.file("strace.log");
    const words = ["-f", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync:error=EIO:when=3", "-o", log];
    await using child = startChild(path, "strace", ...words);
    // The first fdatasync is that of the opening.
    expect(await child.next()).toMatchObject({ isOpen: true, lines: 0 });
    expect(await child.append("a")).toMatchObject({ position: 1 });
    const facts = [await child.append("b"), await child.append("c"), await child.append("d")];
    expect(facts.filter((fact) => fact?.ended !== undefined)).toEqual([{ ended: "storage-failed" }]);
    expect(facts.filter((fact) => fact?.code === "storage-failed")).toHaveLength(2);
    const syncs = (await readFile(log, "utf8")).split("\n").filter((line) => line.includes("fdatasync("));
    expect(syncs).toHaveLength(3);
    expect(syncs[2]).toContain("EIO");
  },
);
