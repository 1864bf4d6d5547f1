import { chmod, mkdir, readFile, readdir, stat, symlink, lstat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeTime, encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { openFileHistory } from "../src/index.ts";
import type { RequestEntry, FileHistoryOptions, History } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import type { Folder } from "./folder.ts";
import { linesOf } from "./reading.ts";

const asked = (message: string): RequestEntry => ({ address: "127.0.0.1", message, isCut: false });
const actor = { user: "brick", address: "127.0.0.1" };

/** Opens a file that holds these bytes; what it notices is pushed to `notices`. */
async function openWith(
  folder: Folder,
  bytes: string | Uint8Array,
  notices: string[] = [],
  options: FileHistoryOptions = {},
): Promise<History> {
  await writeFile(folder.file("history.txt"), bytes);
  return openFileHistory(folder.file("history.txt"), { ...options, onNotice: (sentence) => notices.push(sentence) });
}

test("creates a file that is missing, for all to read", async () => {
  await using folder = await createFolder();
  await using history = await openFileHistory(folder.file("history.txt"));
  const { size, mode } = await stat(folder.file("history.txt"));
  expect([history.engine, size, mode & 0o777]).toEqual(["file", 0, 0o644]);
});

test.each([
  { what: "a folder", make: (path: string) => mkdir(path), sentence: "is a folder" },
  { what: "a device", make: (path: string) => symlink("/dev/null", path), sentence: "is a device" },
  {
    what: "a file in a folder that is missing",
    make: async () => {},
    sentence: "create the folder first",
    name: "a/b",
  },
  { what: "a link to itself", make: (path: string) => symlink(path, path), sentence: "cannot be opened: ELOOP" },
])("refuses $what with a sentence", async ({ make, sentence, name = "history.txt" }) => {
  await using folder = await createFolder();
  const path = folder.file(name);
  await make(path);
  await expect(openFileHistory(path)).rejects.toMatchObject({ name: "HistoryError", code: "storage-failed" });
  await expect(openFileHistory(path)).rejects.toThrow(sentence);
  await expect(openFileHistory(path)).rejects.toThrow(path);
});

test("follows a symbolic link, keeps it, and rewrites the file that it leads to", async () => {
  await using folder = await createFolder();
  await mkdir(folder.file("real"));
  const target = join(folder.path, "real", "log.txt");
  await symlink(join("real", "log.txt"), folder.file("history.txt"));
  await using history = await openFileHistory(folder.file("history.txt"));
  await history.append(asked("a"));
  await history.deleteAll(actor);
  expect((await lstat(folder.file("history.txt"))).isSymbolicLink()).toBe(true);
  expect(await readFile(target, "utf8")).toContain("brick deleted all\n");
  expect(await readdir(folder.path)).toEqual(["history.txt", "real"]);
});

test("keeps lines that others wrote, byte for byte, and counts them", async () => {
  await using folder = await createFolder();
  const foreign = Buffer.from('delete_all by a at b\n\n\r\nuser "127.0.0.1"\t\xff\xfe\u0000\n  x\n', "latin1");
  await using history = await openWith(folder, foreign);
  expect(history.size()).toEqual({ lines: 5, bytes: foreign.length });
  await history.append(asked("a"));
  await history.deleteLine(actor, 2);
  const kept = Buffer.concat([foreign.subarray(0, 21), foreign.subarray(22)]);
  const bytes = await readFile(folder.file("history.txt"));
  expect(bytes.subarray(0, kept.length).equals(kept)).toBe(true);
  expect(bytes.subarray(kept.length).toString()).toMatch(
    /^\S+Z 127.0.0.1 "a"\n\S+Z 127.0.0.1 brick deleted line 2 \(\)\n$/,
  );
});

test("names a deleted line that others wrote by its first word, shortened and without control characters", async () => {
  await using folder = await createFolder();
  await using history = await openWith(folder, `\u001b[31mred line\n${"ü".repeat(200)}\n`);
  await expect(history.deleteLine(actor, 2, "ü".repeat(63))).rejects.toMatchObject({ code: "line-changed" });
  await history.deleteLine(actor, 2, "ü".repeat(200));
  await history.deleteLine(actor, 1);
  const lines = await linesOf(history);
  expect(lines[0]).toContain(`(${"ü".repeat(64)})`);
  expect(lines[1]).toContain("(\\u001b[31mred)");
});

test("gives a last line without an ending one, and says so", async () => {
  await using folder = await createFolder();
  const notices: string[] = [];
  await using history = await openWith(folder, "a\ndelete_all by brick at noon", notices);
  await history.append(asked("b"));
  const lines = await linesOf(history);
  expect(lines.slice(0, 2)).toEqual(["a", "delete_all by brick at noon"]);
  expect(lines).toHaveLength(3);
  expect(notices).toEqual([`The last line of ${folder.file("history.txt")} had no line ending; it was given one.`]);
});

test("gives a last line that is longer than any of ours an ending, whatever it is", async () => {
  await using folder = await createFolder();
  await using history = await openWith(folder, Buffer.concat([Buffer.from("a\n"), Buffer.alloc(100_000)]));
  expect(history.size()).toEqual({ lines: 2, bytes: 100_003 });
});

test("recovers the whole lines from a file cut at any byte, and keeps what was cut beside", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  const lines = ["a", "brick 1 3", 'ü "x"'].map((message, at) =>
    encodeRequestEntry(encodeTime(at + 1), "::1", message, false),
  );
  const whole = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  for (let length = 0; length <= whole.length; length++) {
    const cut = whole.subarray(0, length);
    const end = cut.lastIndexOf(0x0a) + 1;
    const partial = cut.subarray(end).toString();
    await writeFile(path, cut);
    await writeFile(`${path}.broken`, "");
    const notices: string[] = [];
    await using history = await openFileHistory(path, { onNotice: (sentence) => notices.push(sentence) });
    const isWhole = lines.includes(partial);
    expect(await readFile(path, "utf8")).toBe(isWhole ? `${cut.toString()}\n` : cut.subarray(0, end).toString());
    expect(await readFile(`${path}.broken`, "utf8")).toBe(partial === "" || isWhole ? "" : `${partial}\n`);
    expect(notices).toHaveLength(partial === "" ? 0 : 1);
    const { position } = await history.append(asked("next"));
    expect(position).toBe(lines.filter((line) => cut.includes(line)).length + 1);
  }
});

test("collects partial lines in one file, with the permissions of the history", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  for (const partial of ["2026-11-22T20", "2026\0\0"]) {
    await writeFile(path, partial, { mode: 0o600 });
    await using history = await openFileHistory(path);
    expect(history.size().lines).toBe(0);
  }
  expect(await readFile(`${path}.broken`, "latin1")).toBe("2026-11-22T20\n2026\0\0\n");
  expect((await stat(`${path}.broken`)).mode & 0o777).toBe(0o600);
});

test("goes on after the last time in the file, however far behind the clock is", async () => {
  await using folder = await createFolder();
  const last = Date.UTC(2038, 0, 20) * 1000;
  const line = encodeRequestEntry(encodeTime(last), "::1", "a", false);
  await using history = await openWith(folder, `${line}\na note\n9999-12-31T23:59:59.999999Z by hand\n`, [], {
    clock: () => 0,
  });
  const { time } = await history.append(asked("b"));
  expect(decodeTime(time)).toBe(last + 1);
});

test("begins with the clock in a file of external lines", async () => {
  await using folder = await createFolder();
  await using history = await openWith(folder, "a\nb\n", [], { clock: () => 77 });
  expect(decodeTime((await history.append(asked("b"))).time)).toBe(77);
});

test("removes what an unfinished rewrite left", async () => {
  await using folder = await createFolder();
  const path = folder.file("history.txt");
  await writeFile(`${path}.next`, "half of a history\n".repeat(1000));
  await using history = await openWith(folder, "a\nb\n");
  await history.deleteLine(actor, 1);
  const lines = await linesOf(history);
  expect(lines).toEqual(["b", expect.stringContaining("deleted line 1 (a)")]);
  expect(await readFile(path, "utf8")).toBe(`${lines.join("\n")}\n`);
});

test("leaves nothing but the history and its lock behind", async () => {
  await using folder = await createFolder();
  {
    await using history = await openWith(folder, "a\nb\n");
    await history.deleteLine(actor, 1);
  }
  expect(await readdir(folder.path)).toEqual(["history.txt", "history.txt.lock"]);
});

test("keeps the permissions of the file over a delete", async () => {
  await using folder = await createFolder();
  await using history = await openWith(folder, "a\nb\n");
  await chmod(folder.file("history.txt"), 0o640);
  await history.deleteLine(actor, 1);
  expect((await stat(folder.file("history.txt"))).mode & 0o777).toBe(0o640);
});

test("opens what older versions and the reference implementation left, and numbers and times go on", async () => {
  await using folder = await createFolder();
  const older = [
    "('127.0.0.1', 50412) brick 2",
    '2026-11-22T20:31:05.123456Z 127.0.0.1 "brick 1 1"',
    "2026-11-22T20:31:05.124010Z 127.0.0.1 brick deleted line 1 (2026-11-22T20:31:04.000001Z)",
    "2026-11-22T20:31:09.000001Z 127.0.0.1 brick deleted all",
    "2026-11-22T20:31:10.000001Z 127.0.0.1 brick created user otter-42",
    '2026-11-22T20:31:11.000001Z unknown "brick 9" (cut)',
    // A later version may add results: they are external here, and served byte for byte.
    "2026-11-22T20:31:12.000001Z 127.0.0.1 brick folded lines 1-9",
  ];
  await using history = await openWith(folder, `${older.join("\n")}\n`, [], { clock: () => 0 });
  expect(await history.append(asked("b"))).toEqual({ position: 8, time: "2026-11-22T20:31:11.000002Z" });
  expect((await linesOf(history)).slice(0, -1)).toEqual(older);
});
