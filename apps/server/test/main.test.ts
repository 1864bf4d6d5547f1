import { mkdir, readFile, rename } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { logBytesMax } from "../src/request-log.ts";
import { Peer, ask } from "./tcp-peer.ts";
import { Program } from "./server-program.ts";
import { makeFolder } from "./server-fixture.ts";

const hasSix = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));

describe("the program", () => {
  test("prints where it listens, then every request, as JSON lines when it is not on a terminal", async () => {
    await using folder = await makeFolder();
    const history = join(folder.path, "history.txt");
    await using program = Program.start(["--port", "0", "--history", history]);
    const listening = await program.listening();
    expect(listening).toEqual({ event: "listening", host: "127.0.0.1", port: listening.port, history, users: "open" });
    expect(listening.port).toBeGreaterThan(0);
    await ask(listening.port, "brick 9\u202e\n");
    program.child.kill("SIGTERM");
    const { code, stdout, stderr } = await program.ended;
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toContain("\u202e");
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ event }) => event)).toEqual(["listening", "request", "stopping"]);
    expect(events[1]).toMatchObject({ message: "brick 9\u202e", outcome: "error", code: "operation-unknown" });
    expect(String(events[1]?.time)).toBe((await readFile(history, "utf8")).split(" ")[0]);
  });

  test("takes its settings from the environment, and options before those", async () => {
    await using folder = await makeFolder();
    const history = join(folder.path, "other.txt");
    const env = {
      WIREBOOK_PORT: "not used",
      WIREBOOK_HOST: "localhost",
      WIREBOOK_HISTORY: history,
      WIREBOOK_LINK: "see",
    };
    await using program = Program.start(["--port=0"], env);
    const listening = await program.listening();
    expect([listening.host, listening.history]).toEqual(["127.0.0.1", history]);
    expect((await ask(listening.port, "brick\n")).split("\n")[0]).toBe("see");
  });

  test.skipIf(!hasSix)("takes an IPv6 address of loopback in brackets", async () => {
    await using folder = await makeFolder();
    const options = ["--host", "[::1]", "--port", "0", "--history", join(folder.path, "history.txt")];
    await using program = Program.start(options);
    expect((await program.listening()).host).toBe("::1");
  });

  test("goes on serving when its terminal takes nothing, and says how many lines it left out", async () => {
    await using folder = await makeFolder();
    await using program = Program.start(["--port", "0", "--history", join(folder.path, "history.txt")]);
    const { port } = await program.listening();
    program.child.stdout?.pause();
    const message = `brick 1 9999999 ${"\u202e".repeat(600)}\n`; // Some 4 KB on the terminal, where each one is escaped.
    const count = Math.ceil((logBytesMax * 4) / 3600);
    for (let at = 0; at < count; at++) expect(await ask(port, message)).toContain("Error: ");
    program.child.stdout?.resume();
    await ask(port, "last\n");
    await ask(port, "very last\n");
    program.child.kill("SIGTERM");
    const { code, stdout } = await program.ended;
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; lines?: number });
    const notShown = events.reduce((sum, { lines = 0 }) => sum + lines, 0);
    expect(code).toBe(0);
    expect(notShown).toBeGreaterThan(0);
    expect(events.filter(({ event }) => event === "request").length + notShown).toBeGreaterThanOrEqual(count + 2);
  });

  test("goes on serving when its terminal goes away", async () => {
    await using folder = await makeFolder();
    await using program = Program.start(["--port", "0", "--history", join(folder.path, "history.txt")]);
    const { port } = await program.listening();
    program.child.stdout?.destroy();
    for (let at = 0; at < 5; at++) expect(await ask(port, "brick\n")).toContain("Operations");
    program.child.kill("SIGTERM");
    expect((await program.ended).code).toBe(0);
  });

  test("answers every connection of a flood with few descriptors", async () => {
    await using folder = await makeFolder();
    const history = join(folder.path, "history.txt");
    await using program = Program.startBehind("ulimit -n 64", ["--port", "0", "--history", history]);
    const { port } = await program.listening();
    const flood = await Promise.all(Array.from({ length: 300 }, () => Peer.connect(port)));
    const outcomes = await Promise.all(
      flood.map(async (peer) => {
        await peer.write("brick 2 -1\n");
        return peer.outcome;
      }),
    );
    for (const { text } of outcomes)
      expect(text).toMatch(/"brick 2 -1"\n$|^[^]+Error: \d+ connections (?:from 127\.0\.0\.1 )?are open/);
    let reply = "";
    while (reply === "" || reply.includes("Error: ")) reply = await ask(port, "brick 2 -1\n"); // Until those have gone.
    expect(reply).toMatch(/"brick 2 -1"\n$/);
  });
});

describe("a history that fails", () => {
  test("ends the program, and nothing is acknowledged", async () => {
    await using folder = await makeFolder();
    const history = join(folder.path, "history.txt");
    await using program = Program.start(["--port", "0", "--history", history]);
    const { port } = await program.listening();
    await ask(port, "a\n");
    await rename(history, join(folder.path, "moved.txt"));
    await mkdir(history);
    // It looks each second whether its file is still there, so it may be gone already.
    const reply = await ask(port, "b\n").catch(() => "");
    const { code, stderr } = await program.ended;
    expect(reply).toMatch(/^$|Error: the storage of the history failed/);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^wirebook: the server stopped because its history failed: .+\n$/);
  });

  test("that is full is told to the client, nothing is done, and deleting all makes room again", async () => {
    await using folder = await makeFolder();
    const history = join(folder.path, "history.txt");
    // Files of this process may have 8 KiB (sh counts in 512 bytes); beyond that, writing fails as on a full disk.
    await using program = Program.startBehind("trap '' XFSZ; ulimit -f 16", ["--port", "0", "--history", history]);
    const { port } = await program.listening();
    let reply = "";
    for (let at = 0; at < 100 && !reply.includes("Error"); at++) reply = await ask(port, `brick${" ".repeat(1000)}\n`);
    expect(reply).toMatch(/Error: the disk of the history is full and nothing was done; .+\n$/);
    const before = await readFile(history, "utf8");
    expect(before.endsWith("\n")).toBe(true);
    expect(await ask(port, `brick 1 1${" ".repeat(1000)}\n`)).toMatch(/Error: the disk of the history is full/);
    expect(await readFile(history, "utf8")).toBe(before);
    expect(await ask(port, `brick 3${" ".repeat(1000)}\n`)).toMatch(/Deleted all\.\n$/);
    expect(await ask(port, "brick 2\n")).toMatch(/brick deleted all\n.*"brick 2"\n$/);
  });
});
