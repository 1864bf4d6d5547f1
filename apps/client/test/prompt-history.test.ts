import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { promptHistoryBytesMax } from "../src/prompt/prompt-history.ts";
import { promptHistoryLinesMax } from "../src/prompt/prompt-history.ts";
import { PromptHistory, promptHistoryPath } from "../src/prompt/prompt-history.ts";

async function openFolder(): Promise<AsyncDisposable & { readonly path: string; readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-history-"));
  return {
    folder,
    path: join(folder, "deep", "history"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

describe("the kept history", () => {
  test("lies where the XDG specification has it", () => {
    expect(promptHistoryPath({ XDG_STATE_HOME: "/state" }, "/home/b")).toBe("/state/wirebook/prompt-history");
    expect(promptHistoryPath({}, "/home/b")).toBe("/home/b/.local/state/wirebook/prompt-history");
    expect(promptHistoryPath({ XDG_STATE_HOME: "relative" }, "/home/b")).toBe(
      "/home/b/.local/state/wirebook/prompt-history",
    );
  });

  test("lasts, newest first, without keys, repetitions and empty lines", async () => {
    await using place = await openFolder();
    const history = new PromptHistory(place.path);
    for (const line of ["brick 2", "brick 2", "  ", "otter~k3y~more 1 5", " brick~x"]) history.add(line);
    expect(history.lines).toEqual(["brick", "otter 1 5", "brick 2"]);
    expect(new PromptHistory(place.path).lines).toEqual(["brick", "otter 1 5", "brick 2"]);
    expect(await readFile(place.path, "utf8")).toBe("brick 2\notter 1 5\nbrick\n");
  });

  test("is its owner's alone, also when it was not before", async () => {
    await using place = await openFolder();
    new PromptHistory(place.path).add("brick");
    expect((await stat(place.path)).mode & 0o777).toBe(0o600);
    await chmod(place.path, 0o644);
    expect(new PromptHistory(place.path).lines).toEqual(["brick"]);
    expect((await stat(place.path)).mode & 0o777).toBe(0o600);
  });

  test("keeps as many lines as its bound, and drops the oldest past it", async () => {
    await using place = await openFolder();
    const history = new PromptHistory(place.path);
    for (let line = 1; line <= promptHistoryLinesMax; line++) history.add(`brick 2 ${line}`);
    expect(new PromptHistory(place.path).lines.at(-1)).toBe("brick 2 1");
    history.add("brick 3");
    const kept = new PromptHistory(place.path).lines;
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([promptHistoryLinesMax, "brick 3", "brick 2 2"]);
    expect((await readFile(place.path, "utf8")).split("\n")).toHaveLength(promptHistoryLinesMax + 1);
    expect((await stat(place.path)).mode & 0o777).toBe(0o600);
  });

  test("reads whole lines from the end of a file that has grown too large", async () => {
    await using place = await openFolder();
    new PromptHistory(place.path).add("first");
    const last = "x".repeat(2000);
    await writeFile(place.path, `${"y".repeat(promptHistoryBytesMax)}\n${last}\n`);
    expect(new PromptHistory(place.path).lines).toEqual([last]);
    expect(await readFile(place.path, "utf8")).toBe(`${last}\n`);
  });

  test("that cannot be kept says why and works without a file", async () => {
    await using place = await openFolder();
    await writeFile(join(place.folder, "deep"), "a file where the folder should be");
    const history = new PromptHistory(place.path);
    history.add("brick");
    expect(history.lines).toEqual(["brick"]);
    expect(history.problem).toMatch(/EEXIST|ENOTDIR/);
  });
});
