/**
 * Other programs change history.txt under a running server, in the ways that occur: editors that save in place or
 * by a new file, redirections, mv, rm. Afterwards the server goes on and tells the truth about the file, and every
 * acknowledged line that could still be reached is in some file beside. One way is refused: a copy that is then emptied.
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { appendFile, copyFile, readFile, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { unmet } from "./framework/needs.ts";
import { ask } from "../../test-support/tcp-client.ts";

const linesBefore = 24;
/** Bounds a hang: a server looks each second whether its file is still there. */
const noticedMsMax = 60_000;
const editorMsMax = 60_000;
const lookMs = 50;

export const faultTest: FaultTest = {
  promise:
    "whatever another program does to the file, no request is answered by stale numbers and no line that can be reached is lost",
  unit: "edits",
  first: 20,
  ci: 17, // Each way once.
  full: 500,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "size-only-check", count: 20 },
    { mutant: "no-rescue", count: 20 },
  ],
  run,
};

/** A way to change the file. */
interface Edit {
  readonly name: string;
  /** Programs that it needs. */
  readonly needs?: readonly string[];
  /** True when acknowledged lines are changed in the file itself, or cut off. */
  readonly changesLines?: true;
  /** True when the server stops with a sentence, since it cannot know which lines are lost. */
  readonly isRefused?: true;
  change(path: string, lines: readonly string[], random: Random): void | Promise<void>;
}

const inPlace = (path: string, text: string): void => {
  const fd = openSync(path, "r+");
  writeSync(fd, text, 0);
  ftruncateSync(fd, Buffer.byteLength(text));
  closeSync(fd);
};
const textOf = (lines: readonly string[]): string => `${lines.join("\n")}\n`;
const shell = (script: string, path: string): void => void spawnSync("sh", ["-c", script, "sh", path]);
/** An editor joins two lines and makes one longer; their numbers are random. */
const byEditor = (program: string, words: (path: string, line: number) => string[], input = ""): Edit => ({
  name: program,
  needs: [program],
  changesLines: true,
  change: (path, lines, random) => {
    const line = random.between(2, lines.length - 2);
    spawnSync(program, words(path, line), { input: input.replaceAll("LINE", String(line)), timeout: editorMsMax });
  },
});

/** nano wants a terminal, and throws away what is typed before it has drawn. */
async function byNano(path: string): Promise<void> {
  const env = { ...process.env, TERM: "xterm" };
  const nano = spawn("script", ["-qec", `nano -I '${path}'`, "/dev/null"], { env, timeout: editorMsMax });
  const closed = once(nano, "close");
  let drawn = "";
  nano.stdin.on("error", () => {});
  nano.stdout.on("data", (chunk: Buffer) => {
    const before = drawn;
    drawn += chunk.toString();
    const isNew = (text: string): boolean => drawn.includes(text) && !before.includes(text);
    if (isNew("Exit")) nano.stdin.write("typed by hand in a line that is longer now \u000f\r");
    if (isNew("Wrote")) nano.stdin.write("\u0018");
  });
  await closed;
}

const edits: readonly Edit[] = [
  { name: "append", change: (path) => appendFile(path, "a note by hand\n") },
  { name: "append without an ending", change: (path) => appendFile(path, "a note by hand") },
  {
    name: "a longer word",
    changesLines: true,
    change: (path, lines, random) => {
      const at = random.below(lines.length);
      inPlace(path, textOf(lines.with(at, `${lines[at]} and much more than there was before it was edited`)));
    },
  },
  {
    name: "two lines joined, one longer",
    changesLines: true,
    change: (path, lines, random) => {
      const at = random.between(1, lines.length - 2);
      const joined = `${lines[at]} ${lines[at + 1]} ${"x".repeat(90)}`;
      inPlace(path, textOf(lines.toSpliced(at, 2, joined)));
    },
  },
  {
    name: "the same size",
    changesLines: true,
    change: (path, lines, random) => {
      const at = random.between(1, lines.length - 2);
      inPlace(path, textOf(lines.toSpliced(at, 2, `${lines[at]} ${lines[at + 1]}`)));
    },
  },
  {
    name: "truncated and refilled",
    changesLines: true,
    change: async (path, lines) => {
      await writeFile(path, "");
      await writeFile(path, textOf([...lines.toReversed(), "one more line than before"]));
    },
  },
  byEditor("vim", (path, line) => ["-es", "-c", `${line},+1join`, "-c", `1s/$/${"y".repeat(90)}/`, "-c", "wq", path]),
  byEditor("ed", (path) => ["-s", path], `LINE,+1j\n1s/$/${"z".repeat(90)}/\nw\nq\n`),
  { name: "nano", needs: ["nano", "script"], changesLines: true, change: (path) => byNano(path) },
  { name: "sed -i", needs: ["sed"], change: (path) => shell(`sed -i 's/line/LINE/' "$1"`, path) },
  {
    name: "a file in its place",
    change: (path) => writeFile(`${path}.new`, "new\n").then(() => rename(`${path}.new`, path)),
  },
  { name: "mv", change: (path) => rename(path, `${path}.1`) },
  { name: "rm", change: (path) => rm(path) },
  { name: "truncate", changesLines: true, change: (path, _, random) => truncate(path, random.between(1, 99)) },
  { name: ">", changesLines: true, change: (path) => shell(`: > "$1"`, path) },
  {
    name: "copytruncate",
    changesLines: true,
    isRefused: true,
    change: (path) => copyFile(path, `${path}.1`).then(() => truncate(path)),
  },
  { name: "cat > of fewer lines", changesLines: true, change: (path) => shell(`echo short | cat > "$1"`, path) },
];

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const able = edits.filter(({ needs }) => needs === undefined || unmet(needs).length === 0);
  const violations: string[] = [];
  let stopped = 0;
  for (let done = 0; done < count && violations.length === 0; done++) {
    const edit = able[done % able.length] as Edit;
    const place = join(folder, `edit-${done}`);
    const found = await tryEdit(edit, `${place}-history.txt`, { random, nodeArgs });
    violations.push(...found.violations.map((violation) => `${edit.name}: ${violation}`));
    stopped += Number(found.isStopped);
    progress(done + 1);
  }
  const checked = `${able.length} ways to change the file; ${stopped} times the server stopped with a sentence`;
  return { tried: count, checked, violations };
}

async function tryEdit(
  edit: Edit,
  historyPath: string,
  { random, nodeArgs }: Pick<Trial, "random" | "nodeArgs">,
): Promise<{ readonly violations: string[]; readonly isStopped: boolean }> {
  await using server = await startServer({ historyPath, nodeArgs });
  const acknowledged: string[] = [];
  for (let number = 0; number < linesBefore; number++) {
    const message = `line${number} 2 -1`;
    if (!(await ask(server.port, message)).includes("Error: ")) acknowledged.push(JSON.stringify(message));
  }
  const before = await readFile(historyPath, "utf8");
  await edit.change(historyPath, before.trimEnd().split("\n"), random);
  if ((await readFile(historyPath, "utf8").catch(() => "")) === before) throw new Error(`${edit.name} changed nothing`);
  // Some of the files that were taken away are noticed by a request, some by the stop, and some by the server itself.
  const hasRequests = random.chance(0.5) || !["rm", "mv", "a file in its place"].includes(edit.name);
  const { violations, deleted } = hasRequests ? await compare(server, historyPath, random) : nothingSaid;
  if (!hasRequests && random.chance(0.5) && !(await isNoticed(historyPath)))
    violations.push("a server without requests did not notice");
  const isOver = hasRequests && (await isGone(server));
  const { code } = await (isOver ? server.exited : server.kill());
  const isStopped = code !== 0;
  if (isStopped !== (edit.isRefused === true))
    violations.push(isStopped ? "the server stopped, where it could go on" : "the server went on, where it must stop");
  if (edit.changesLines) return { violations, isStopped };
  const kept = await textsBeside(historyPath);
  const isKept = (message: string): boolean =>
    kept.includes(edit.name === "sed -i" ? message.slice("line".length + 1) : message) || deleted.includes(message);
  const lost = acknowledged.filter((message) => !isKept(message));
  if (lost.length > 0) violations.push(`${lost.length} acknowledged lines are in no file beside, ${lost[0]} the first`);
  return { violations, isStopped };
}

/** Whether the server goes on in the file that the name leads to now. */
async function isNoticed(path: string): Promise<boolean> {
  const deadline = performance.now() + noticedMsMax;
  while (performance.now() < deadline) {
    if ((await readFile(path, "utf8").catch(() => "")).includes(" - - archived lines ")) return true;
    await wait(lookMs);
  }
  return false;
}

interface Compared {
  readonly violations: string[];
  /** The line that was deleted to see whether it is the right one. */
  readonly deleted: string;
}

const nothingSaid: Compared = { violations: [], deleted: "" };

/** What the server says of the file, held against the file; nothing when it refuses to say anything. */
async function compare(server: ServerProgram, path: string, random: Random): Promise<Compared> {
  const reply = await ask(server.port, "reader 2 -1");
  if (reply === "" || reply.includes("Error: ")) return nothingSaid;
  const violations: string[] = [];
  const lines = async (): Promise<string[]> => (await readFile(path, "utf8")).trimEnd().split("\n");
  const last = (await lines()).at(-1);
  if (responseOf(reply) !== `${last}\n`)
    violations.push(`the last line was read as ${JSON.stringify(responseOf(reply))}`);
  const at = random.between(1, (await lines()).length);
  const wanted = (await lines())[at - 1] ?? "";
  const read = responseOf(await ask(server.port, `reader 2 ${at} ${at}`));
  if (read !== `${wanted}\n`)
    violations.push(`line ${at} was read as ${JSON.stringify(read)}, it is ${JSON.stringify(wanted)}`);
  const before = await lines();
  await ask(server.port, `reader 1 ${at}`);
  const after = await lines();
  const kept = before.toSpliced(at - 1, 1);
  if (after.slice(0, kept.length).join("\n") !== kept.join("\n")) violations.push(`not line ${at} was deleted`);
  return { violations, deleted: wanted };
}

function responseOf(reply: string): string {
  const lines = reply.split("\n");
  return lines.slice(lines.findLastIndex((line) => line.startsWith(" To ")) + 1).join("\n");
}

/** Whether it is over, or about to be, as it says itself. */
async function isGone(server: ServerProgram): Promise<boolean> {
  const reply = await ask(server.port, "probe 6");
  return reply === "" || reply.includes("Error: ");
}

/** All that stands in the history and in the files that were made beside it. */
async function textsBeside(path: string): Promise<string> {
  const [folder, name] = [join(path, ".."), path.split("/").at(-1) as string];
  const names = (await readdir(folder)).filter((each) => each.startsWith(name));
  return (await Promise.all(names.map((each) => readFile(join(folder, each), "utf8")))).join("\n");
}
