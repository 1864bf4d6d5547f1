import { execFileSync } from "node:child_process";
import { closeSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openOutputFile, readSmallFile } from "../src/index.ts";
import type { OutputKind } from "../src/index.ts";

const kind: OutputKind = { option: "--notes", name: "notes", isHead: (head) => head[0] === 0x6e };

async function openFolder(): Promise<AsyncDisposable & { at(name: string): string }> {
  const path = await mkdtemp(join(tmpdir(), "wirebook-output-"));
  return { at: (name) => join(path, name), [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("makes a file for its owner's eyes only", async () => {
  await using folder = await openFolder();
  closeSync(openOutputFile(folder.at("new"), kind));
  expect((await stat(folder.at("new"))).mode & 0o777).toBe(0o600);
});

test("replaces one of the same kind and an empty one, and nothing else", async () => {
  await using folder = await openFolder();
  for (const [text, isReplaced] of [
    ["n, the old notes", true],
    ["", true],
    ["a thesis", false],
  ] as const) {
    const path = folder.at("file");
    await writeFile(path, text);
    if (isReplaced) closeSync(openOutputFile(path, kind));
    else {
      expect(() => openOutputFile(path, kind)).toThrow(
        `${path} exists and is no notes file; name another one with --notes`,
      );
    }
    expect(await readFile(path, "utf8")).toBe(isReplaced ? "" : text);
  }
  await symlink(folder.at("file"), folder.at("link"));
  expect(() => openOutputFile(folder.at("link"), kind)).toThrow("is no notes file");
  expect(() => openOutputFile(folder.at("."), kind)).toThrow("is no notes file");
});

test("takes a pipe without looking into it", async () => {
  await using folder = await openFolder();
  const path = folder.at("pipe");
  execFileSync("mkfifo", [path]);
  const reading = readFile(path);
  closeSync(openOutputFile(path, kind));
  expect(await reading).toHaveLength(0);
});

test("says why a file cannot be written, and which option names it", async () => {
  await using folder = await openFolder();
  const within = folder.at("no/file");
  expect(() => openOutputFile(within, kind)).toThrow(
    `${within} cannot be written (ENOENT); name another file with --notes`,
  );
  await writeFile(folder.at("n"), "n");
  expect(() => openOutputFile(folder.at("n/file"), kind)).toThrow("cannot be written (ENOTDIR)");
});

test("reads no folder, waits for no pipe, and reads no file that is too large", async () => {
  await using folder = await openFolder();
  const read = (name: string) => () => readSmallFile(name, folder.at(name), 4, "name another file");
  execFileSync("mkfifo", [folder.at("pipe")]);
  await writeFile(folder.at("five"), "fünf");
  await writeFile(folder.at("four"), "four");
  expect(read("four")().toString()).toBe("four");
  expect(read(".")).toThrow(". cannot be read (it is not a file); name another file");
  expect(read("pipe")).toThrow("pipe cannot be read (it is not a file)");
  expect(read("five")).toThrow("five cannot be read (5 bytes are over the limit of 4)");
  expect(read("none")).toThrow("none cannot be read (ENOENT)");
});
