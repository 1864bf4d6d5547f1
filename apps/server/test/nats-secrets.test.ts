/** The programs on a cluster that asks for a password: where it may stand, and that none of them shows it. */

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NatsCluster } from "../../../test-support/nats-cluster.ts";
import { describeOnNatsServers } from "../../../test-support/nats-tests.ts";
import { ask } from "./tcp-peer.ts";
import { Program } from "./server-program.ts";

const warning = "Every user of this machine can read the cluster's password on the command line";
let cluster: NatsCluster;
let folder: string;

/** The address with a password in it, or with whatever else stands before the host. */
const withUser = (user: string): string => cluster.address("log").replace("://", `://${user}@`);

/** Runs `wirebook users` or `wirebook history`; what it printed. */
function runTool(tool: "users" | "history", words: readonly string[], env: Record<string, string> = {}): string {
  const main = fileURLToPath(new URL(`../src/cli/${tool}.ts`, import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...env },
  });
  return stdout + stderr;
}

describeOnNatsServers("the programs on a cluster that asks for a password", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "wirebook-secrets-"));
    cluster = await NatsCluster.start({
      nodes: 1,
      more: "authorization { users: [{ user: wirebook, password: s3cret }] }",
    });
    await writeFile(join(folder, "password"), "s3cret\n", { mode: 0o600 });
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  describe("the server", () => {
    test("takes the password from a file and from the environment, and its command line shows none", async () => {
      const words = [
        "--port",
        "0",
        "--history",
        withUser("wirebook"),
        "--nats-password-file",
        join(folder, "password"),
      ];
      await using byFile = Program.start(words);
      await using byEnvironment = Program.start(["--port", "0"], { WIREBOOK_HISTORY: withUser("wirebook:s3cret") });
      for (const program of [byFile, byEnvironment]) {
        const { port, history } = await program.listening();
        expect(history).toBe(cluster.address("log"));
        expect(await ask(port, "brick 2 -1\n")).toMatch(/"brick 2 -1"\n$/);
        expect(await readFile(`/proc/${program.child.pid}/cmdline`, "utf8")).not.toContain("s3cret");
        program.child.kill("SIGTERM");
        const { code, stdout, stderr } = await program.ended;
        expect(code).toBe(0);
        expect(stdout + stderr).not.toMatch(/s3cret|Every user/);
      }
    });

    test("says what is wrong with a password on the command line, and does not show it", async () => {
      await using program = Program.start(["--port=0", `--history=${withUser("wirebook:s3cret")}`]);
      await program.listening();
      program.child.kill("SIGTERM");
      const { stdout, stderr } = await program.ended;
      expect(stdout).toContain(warning);
      expect(stdout + stderr).not.toContain("s3cret");
    });

    test.each([
      ["a wrong one", "wirebook:wr0ng", /refuses this server/, []],
      ["one with a slash in it", "wirebook:wr0ng/x", /write %2F, %40 and %25/, []],
      ["two ways at once", "wirebook:wr0ng", /leave one of them out/, ["--nats-password-file=/dev/null"]],
    ])("does not start with %s", async (_what, user, sentence, more) => {
      await using program = Program.start(["--port", "0", ...more], { WIREBOOK_HISTORY: withUser(user) });
      const { code, stdout, stderr } = await program.ended;
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(sentence);
      expect(stderr).not.toContain("wr0ng");
    });

    test.each([
      ["as a word", [`nats://wirebook:s3cret@host`], /"nats:\/\/…@host" is not an option/],
      ["with another scheme", ["--history", `nat://wirebook:s3cret@host`], /--history is "nat:\/\/…@host"; type/],
    ])("repeats no password that stands in the wrong place, %s", async (_where, words, sentence) => {
      await using program = Program.start(words);
      const { code, stderr } = await program.ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).not.toContain("s3cret");
    });
  });

  test.each(["users", "history"] as const)("the tool for %s says what is wrong with an address", (tool) => {
    const words = tool === "users" ? ["list"] : ["export", join(folder, "none.txt")];
    expect(runTool(tool, [...words, "--history", "nats://brick:s3cret@a/no.name"])).toBe(
      `wirebook: ${warning}: put the address into WIREBOOK_HISTORY, or the password into a file (--nats-password-file).\n` +
        "wirebook: the address of the history on NATS cannot be used: it must read " +
        "nats://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…][/NAME][?replicas=1|3|5]; NAME has 1 to 64 letters, digits, " +
        "hyphens and underscores; write %2F, %40 and %25 for / @ % in a password\n",
    );
  });

  test("the tools for users and histories take the same options, and show as little", () => {
    const words = ["--history", withUser("wirebook"), "--nats-password-file", join(folder, "password")];
    expect(runTool("users", ["add", "otter", ...words])).toMatch(/^otter~/);
    expect(runTool("users", ["list"], { WIREBOOK_HISTORY: withUser("wirebook:s3cret") })).toMatch(/^otter /m);
    const copy = join(folder, "users.txt");
    expect(runTool("users", ["export", copy, ...words])).toContain(
      `${copy} has the 1 user of ${cluster.address("log")}`,
    );
    expect(
      runTool("users", ["import", copy, "--history", withUser("wirebook").replace(/log$/, "other"), ...words.slice(2)]),
    ).toMatch(/ 1 user of .*; 0 more had been before/);
    const file = join(folder, "export.txt");
    expect(runTool("history", ["export", file, ...words])).toContain(` of ${cluster.address("log")} are in ${file}`);
    for (const tool of ["users", "history"] as const) {
      const said = runTool(tool, [
        "--history",
        withUser("wirebook:wr0ng"),
        ...(tool === "users" ? ["list"] : ["export", `${file}2`]),
      ]);
      expect(said).toContain(warning);
      expect(said).toContain("refuses this server");
      expect(said + runTool(tool, [withUser("wirebook:wr0ng")])).not.toContain("wr0ng");
    }
  });
});
