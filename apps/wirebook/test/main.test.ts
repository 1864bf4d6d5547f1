/** Which program a command line is for, and how it is helped. */

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "../../../test-support/run.ts";
import { PtyCli, ptyMaker } from "../../client/test/pty.ts";

const launcher = fileURLToPath(new URL("../bin/wirebook.mjs", import.meta.url));
const root = new URL("../../../", import.meta.url);
const version = (JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { version: string }).version;

const wirebook = (...words: string[]) => run(process.execPath, [launcher, ...words]);

test("the help fits on one screen of a terminal", async () => {
  const { code, stdout } = await wirebook("--help");
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  for (const words of [["help"], ["-h"]]) expect(await wirebook(...words)).toMatchObject({ code: 0, stdout });
});

test.each(["start", "server", "gateway", "users", "history", "connect", "play", "compare", "client"])(
  "help %s says how it is used, with its options",
  async (command) => {
    const { code, stdout, stderr } = await wirebook("help", command);
    expect([code, stderr]).toEqual([0, ""]);
    const usage = command === "client" ? "Usage: wirebook [option…]" : `Usage: wirebook ${command} `;
    expect(stdout.startsWith(usage)).toBe(true);
    expect(stdout).not.toMatch(/npx|npm run/);
    expect(stdout.endsWith("\n")).toBe(true);
  },
);

test.each([[["--version"]], [["server", "--version"]], [["start", "--version"]], [["connect", "--version"]]])(
  "%j prints the version, which package.json has alone",
  async (words) => {
    expect(await wirebook(...words)).toEqual({ code: 0, stdout: `wirebook ${version}\n`, stderr: "" });
  },
);

test.skipIf(!existsSync("/dev/full"))("help that cannot be written ends without a stack", () => {
  for (const words of [["help"], ["start", "--help"]]) {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [launcher, ...words], { stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    expect([status, stderr.toString()]).toEqual([1, ""]);
  }
});

test("whatever does not begin with a command is a message, behind -- also a command's name", async () => {
  for (const words of [
    ["brick", "start"],
    ["--", "start"],
    ["--", "help"],
  ]) {
    const { code, stderr } = await wirebook("--port", "1", ...words);
    expect([code, stderr]).toEqual([3, expect.stringContaining("nothing listens on 127.0.0.1:1") as string]);
  }
});

test.each([
  [["--port", "1", "start"], "start is a command; type it first (wirebook start …), or put -- before it"],
  [["--trace", "users", "list"], "users is a command; type it first (wirebook users …), or put -- before it"],
  [["help", "strat"], 'unknown command "strat"; type wirebook help for the list'],
  [["help", "server", "gateway"], "help takes one command, not 2 words; type wirebook help"],
])("%j is refused in a sentence", async (words, sentence) => {
  const { code, stdout, stderr } = await wirebook(...words);
  expect(stderr).toContain(`wirebook: ${sentence}`);
  expect([code, stdout]).toEqual([2, ""]);
});

test.skipIf(ptyMaker === undefined).each([
  ["strat", "start"],
  ["sart", "start"],
  ["playy", "play"],
  ["gatewey", "gateway"],
])("a person who types %s is asked whether %s was meant", async (word, command) => {
  await using terminal = new PtyCli([word, "--port", "1"], {}, launcher);
  await terminal.until(`wirebook: ${word} is no command and goes out as a message; or is it wirebook ${command}?`);
  expect(await terminal.exitCode).toBe(3);
});

test.skipIf(ptyMaker === undefined).each([["storm"], ["help-desk"]])(
  "a person who types %s is not asked",
  async (word) => {
    await using terminal = new PtyCli([word, "--port", "1"], {}, launcher);
    await terminal.exitCode;
    expect(terminal.screen).not.toContain("is no command");
  },
);

test("a script is not asked", async () => {
  const { stderr } = await wirebook("strat", "--port", "1");
  expect(stderr).not.toContain("is no command");
});
