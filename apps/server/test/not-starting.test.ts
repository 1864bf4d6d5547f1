import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SettingsError } from "@wirebook/settings";
import { readConfig } from "../src/config.ts";
import { Program } from "./server-program.ts";
import { makeFolder } from "./server-fixture.ts";

describe("the program does not start", () => {
  test("on a port that is taken, and says which and how to choose another", async () => {
    await using folder = await makeFolder();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const history = join(folder.path, "history.txt");
    await using program = Program.start(["--port", String(port), "--history", history]);
    const { code, stdout, stderr } = await program.ended;
    other.close();
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(new RegExp(`^wirebook: port ${port} of 127\\.0\\.0\\.1 is in use.* --port \\d+\\n$`));
  });

  test("on a history that another server owns", async () => {
    await using folder = await makeFolder();
    const history = join(folder.path, "history.txt");
    await using first = Program.start(["--port", "0", "--history", history]);
    await first.listening();
    await using second = Program.start(["--port", "0", "--history", history]);
    const { code, stderr } = await second.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^wirebook: .+\n$/);
  });

  test("when it is told to stop while it waits for a cluster", async () => {
    const asked = Promise.withResolvers<void>();
    const silent = createServer(() => asked.resolve());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    await using program = Program.start(["--port", "0", "--history", `nats://127.0.0.1:${port}/log`]);
    await asked.promise;
    program.child.kill("SIGTERM");
    expect(await program.ended).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    silent.close();
  });

  test("with a history in a folder that is not there", async () => {
    await using folder = await makeFolder();
    const history = join(folder.path, "nowhere", "history.txt");
    await using program = Program.start(["--port", "0", "--history", history]);
    const { code, stderr } = await program.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^wirebook: .*nowhere.*\n$/);
  });

  test("on an address that others can reach", async () => {
    await using folder = await makeFolder();
    const options = ["--host", "0.0.0.0", "--port", "0", "--history", join(folder.path, "history.txt")];
    await using program = Program.start(options);
    const { code, stderr } = await program.ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^wirebook: --host is \S+, which other machines can reach.* --host 127\.0\.0\.1 .*\n$/);
  });

  test("on what Kubernetes sets for a Service named wirebook, which is no port: it says so, and takes the default", async () => {
    await using program = Program.start(["--host", "192.0.2.1"], { WIREBOOK_PORT: "tcp://10.96.0.12:5007" });
    const { code, stderr } = await program.ended;
    expect(code).toBe(2);
    expect(stderr.split("\n")[0]).toBe(
      'wirebook: WIREBOOK_PORT is "tcp://10.96.0.12:5007", which Kubernetes or Docker sets for a service of that name; ' +
        "it is ignored, and --port is 5007",
    );
  });

  test("with a wrong option, and says what to type", async () => {
    await using program = Program.start(["--port", "70000"]);
    const sentence = 'wirebook: --port is "70000"; type a port from 0 to 65535\n';
    expect(await program.ended).toEqual({ code: 2, signal: null, stdout: "", stderr: sentence });
  });

  test.each<[argv: string[], word: string, env?: Record<string, string>]>([
    [["--prot", "5007"], "--help"],
    [["5007"], '"5007"'],
    [["--link", "two\nlines"], "--link"],
    [["--link", "\u001b[31mred"], "--link"],
    [["--link", "x".repeat(4097)], "at most 4096"],
    [[], "WIREBOOK_LINK has several lines", { WIREBOOK_LINK: "two\nlines" }],
    [[], "WIREBOOK_LINK has 4097 bytes", { WIREBOOK_LINK: "x".repeat(4097) }],
  ])("with %j", (argv, word, env = {}) => {
    const refused = expect(() => readConfig({ argv, env }));
    refused.toThrow(SettingsError);
    refused.toThrow(word);
  });

  test("with --help, which prints all options and their environment variables", async () => {
    await using program = Program.start(["--help"]);
    const { code, stdout } = await program.ended;
    expect(code).toBe(0);
    for (const word of ["--host", "--port", "--history", "--link", "WIREBOOK_PORT"]) expect(stdout).toContain(word);
  });
});
