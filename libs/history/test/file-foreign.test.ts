import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { appendFile, chmod, readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openFileHistory, type HistoryError, type RequestEntry } from "../src/index.ts";
import { createFolder } from "./folder.ts";
import { LineReader, linesOf } from "./reading.ts";

const asked = (message: string): RequestEntry => ({ address: "127.0.0.1", message, isCut: false });
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

  test("that adds a line when a new file is about to take the place of the old one loses nothing", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    let isAdding = false;
    const clock = (): number => {
      // The time of the result is asked for when all is copied.
      if (isAdding) appendFileSync(path, "by hand\n");
      isAdding = false;
      return 0;
    };
    await using history = await openFileHistory(path, { clock });
    await history.append(asked("a"));
    for (const change of [() => history.deleteLine(actor, 1), () => history.deleteAll(actor)]) {
      isAdding = true;
      await expect(change()).rejects.toMatchObject({ code: "line-changed" });
    }
    expect((await linesOf(history)).slice(1)).toEqual(["by hand", "by hand"]);
  });

  test("that adds lines all the time while lines are deleted loses none", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await writeFile(path, "a line\n".repeat(1000));
    await using history = await openFileHistory(path);
    // What it writes when the name leads to another file already may be lost, so that is written once more.
    const script = `for i in $(seq 400); do
      while exec 3>> "$0"; echo "note $i" >&3; ! [ /proc/$$/fd/3 -ef "$0" ]; do :; done
      sleep 0.002
    done`;
    const closed = once(spawn("sh", ["-c", script, path], { stdio: "ignore" }), "close");
    let isOver = false;
    void closed.then(() => (isOver = true));
    let deleted = 0;
    while (!isOver) {
      const isDone = await history.deleteLine(actor, 1).then(
        () => true,
        ({ code }: HistoryError) => expect(code).toBe("line-changed"),
      );
      if (isDone === true) deleted += 1;
      await setImmediate();
    }
    expect(deleted).toBeGreaterThan(0);
    const notes = (await linesOf(history)).filter((line) => line.startsWith("note"));
    expect([...new Set(notes)]).toEqual(Array.from({ length: 400 }, (_, at) => `note ${at + 1}`));
  });
});

/** Writes over a file in place, as vim, nano and ed do when they save: the name leads to the same file afterwards. */
function saveInPlace(path: string, text: string): void {
  const fd = openSync(path, "r+");
  writeSync(fd, text, 0);
  ftruncateSync(fd, Buffer.byteLength(text));
  closeSync(fd);
}

describe("an editor that saves in place", () => {
  const text = Array.from({ length: 9 }, (_, at) => `note ${at + 1} with a word\n`).join("");
  const longer = text.replace("note 3 with a word", "note 3 with a word that is [redacted by its author]");

  test.each<[string, string]>([
    ["makes a word longer", longer],
    ["joins lines and makes another longer", longer.replace(/note 5.*\nnote 6.*\n/, "notes 5 and 6 joined by hand\n")],
    ["turns a line ending into a space, of the same size", text.replace("word\nnote 4", "word note 4")],
    ["moves a line ending, of the same size", text.replace("word\nnote 4", "wor\ndnote 4")],
    ["leaves out the last line ending", longer.slice(0, -1)],
    ["writes other lines past the old end", "other\n".repeat(60)],
  ])("and %s: lines are counted anew", async (_, edited) => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await writeFile(path, text);
    const notices: string[] = [];
    await using history = await openFileHistory(path, {
      onNotice: (sentence) => notices.push(sentence),
      indexBlockBytes: 64,
    });
    saveInPlace(path, edited);
    const { position } = await history.append(asked("after"));
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.slice(0, -1)).toEqual(edited.trimEnd().split("\n"));
    expect(position).toBe(lines.length);
    expect(await linesOf(history)).toEqual(lines);
    expect(notices).toHaveLength(1);
    await history.deleteLine(actor, 4);
    expect((await linesOf(history)).slice(0, -1)).toEqual(lines.toSpliced(3, 1));
  });

  test("ends whoever reads or follows by the old numbers, and lets the next one read", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await writeFile(path, text);
    await using history = await openFileHistory(path, { readChunkBytes: 16 });
    const feed = await history.follow();
    const next = new LineReader(feed).next();
    const snapshot = await history.read();
    saveInPlace(path, longer);
    // It may be sent to a client, so it names no file.
    const sentence = "another program has changed the history meanwhile; send the message again";
    const edited = { name: "HistoryError", code: "line-changed", message: sentence };
    await expect(Array.fromAsync(snapshot.chunks)).rejects.toMatchObject(edited);
    await expect(next).rejects.toMatchObject(edited);
    await history.append(asked("after"));
    expect((await linesOf(history)).at(-1)).toMatch(/"after"$/);
  });

  test("is noticed by whoever only reads", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await writeFile(path, text);
    await using history = await openFileHistory(path);
    saveInPlace(path, longer.replace(/note 5.*\nnote 6.*\n/, "notes 5 and 6 joined by hand\n"));
    expect(await linesOf(history)).toEqual((await readFile(path, "utf8")).trimEnd().split("\n"));
  });

  test.each([
    ["makes a line longer", "note 2, and more of it,"],
    ["changes letters", "NOTE 2"],
  ])("and %s deletes no other line than the one that was meant, whenever it saves", async (_, changed) => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    for (let turns = 0; turns < 12; turns++) {
      await writeFile(path, text);
      await using history = await openFileHistory(path, { rewritePieceBytes: 32, indexBlockBytes: 64 });
      const deleting = history.deleteLine(actor, 8);
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      saveInPlace(path, readFileSync(path, "utf8").replace("note 2", changed));
      const result = await deleting.catch((error: Error) => error);
      const kept = new Set((await readFile(path, "utf8")).split("\n"));
      if (result instanceof Error) expect(result).toMatchObject({ code: "line-changed" });
      const missing = [3, 4, 5, 6, 7, 8, 9].filter((note) => !kept.has(`note ${note} with a word`));
      expect(missing).toEqual(result instanceof Error ? [] : [8]);
      expect(kept).toContain(`${changed} with a word`);
    }
  });

  test("and never comes to its end has requests refused, and none that was acknowledged is lost", async () => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await writeFile(path, "\n".repeat(1000));
    await using history = await openFileHistory(path);
    const script = `const { openSync, writeSync } = require("node:fs");
      const fd = openSync(process.argv[1], "r+");
      for (let at = 0; ; at = (at + 1) % 1000) writeSync(fd, "x".repeat(at).padEnd(1000, "\\n"), 0);`;
    const writing = spawn(process.execPath, ["-e", script, path]);
    let acknowledged = 0;
    const appending = async (): Promise<never> => {
      for (;;) {
        await history.append(asked("a"));
        acknowledged += 1;
      }
    };
    try {
      await expect(appending()).rejects.toMatchObject({ code: "line-changed" });
    } finally {
      writing.kill("SIGKILL");
      await once(writing, "close");
    }
    await history.append(asked("after"));
    const lines = await linesOf(history);
    expect(lines.filter((line) => line.endsWith('"a"'))).toHaveLength(acknowledged);
    expect(lines.at(-1)).toMatch(/"after"$/);
  });

  test.each<[string, (path: string) => Promise<void>]>([
    ["new permissions", (path) => chmod(path, 0o600)],
    ["the same text once more", async (path) => saveInPlace(path, await readFile(path, "utf8"))],
  ])("and changes nothing that counts (%s) ends no reader", async (_, touch) => {
    await using folder = await createFolder();
    const path = folder.file("history.txt");
    await writeFile(path, text);
    await using history = await openFileHistory(path);
    await using feed = await history.follow();
    const next = new LineReader(feed).next();
    await touch(path);
    await history.append(asked("after"));
    expect(await next).toMatch(/"after"$/);
  });
});
