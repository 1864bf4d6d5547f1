import { describe, expect, test } from "vitest";
import { exitCodes, timeoutMsMax } from "../src/command.ts";
import { messages } from "../src/messages.ts";
import { runCli } from "./cli.ts";
import { openResponder } from "./tcp-peer.ts";

describe("the settings", () => {
  test("come from the environment, and options go before it", async () => {
    await using peer = await openResponder("fine\n");
    const env = {
      WIREBOOK_HOST: "127.0.0.1",
      WIREBOOK_PORT: String(peer.port),
      WIREBOOK_JSON: "1",
      WIREBOOK_TRACE: "yes",
    };
    const { stdout, stderr } = await runCli(["brick"], { env });
    expect(stdout).toContain('"type":"reply","sent":"brick"');
    expect(stderr).toContain("SYN: asks for a connection");
    expect(
      await runCli([...peer.options, "--host", "127.0.0.1", "brick", "2"], { env: { WIREBOOK_PORT: "1" } }),
    ).toEqual({
      code: 0,
      stdout: "fine\n",
      stderr: "",
    });
  });

  test("have defaults", () => {
    const { host, port, timeout, json, trace } = messages.table;
    expect([host, port, timeout, json, trace].map((setting) => setting.default)).toEqual([
      "127.0.0.1",
      5007,
      undefined,
      false,
      false,
    ]);
  });

  test("bound the timeout", () => {
    const { schema } = messages.table.timeout;
    expect(schema.parse(String(timeoutMsMax))).toBe(timeoutMsMax);
    for (const wrong of ["0", String(timeoutMsMax + 1), "-5", "2s"]) {
      expect(schema.safeParse(wrong).success, wrong).toBe(false);
    }
  });

  test("are left alone behind --", async () => {
    await using peer = await openResponder("fine\n");
    await runCli([...peer.options, "--", "--version"]);
    expect(peer.messages).toEqual(["--version\n"]);
  });
});

describe("the command line", () => {
  test("--help names every option, its variable and every exit code", async () => {
    const { code, stdout } = await runCli(["--help"]);
    expect(stdout).toContain("Trace, errors and prompt go to standard error.");
    expect({ code, stdout }).toEqual({ code: 0, stdout: messages.help });
    for (const name of ["host", "port", "timeout", "json", "trace"]) {
      expect(stdout).toMatch(new RegExp(`  --${name} [^-]*WIREBOOK_${name.toUpperCase()}`));
    }
    for (const exitCode of Object.values(exitCodes)) expect(stdout).toMatch(new RegExp(`^  ${exitCode} +\\S`, "m"));
  });

  test("--version prints the version", async () => {
    expect(await runCli(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^wirebook \d+\.\d+\.\d+\n$/) as string,
    });
  });

  test("a Service of Kubernetes named wirebook sets WIREBOOK_PORT, which is then ignored in one sentence", async () => {
    const env = { WIREBOOK_PORT: "tcp://10.96.0.12:5007" };
    const { code, stderr } = await runCli(["x".repeat(2049)], { env });
    expect([code, stderr.split("\n").length]).toEqual([2, 3]);
    expect(stderr).toMatch(
      /^wirebook: WIREBOOK_PORT is "tcp:\/\/10\.96\.0\.12:5007", which Kubernetes .* --port is 5007\n/,
    );
  });

  test.each([
    [["--bogus"], "--help"],
    [["--port", "70000"], '--port is "70000"; type a port from 1 to 65535'],
    [["--port", "0"], '--port is "0"; type a port from 1 to 65535'],
    [["--timeout", "soon"], '--timeout is "soon"; type milliseconds from 1 to'],
  ])("%j is refused in a sentence, with the exit code 2", async (argv, sentence) => {
    const { code, stdout, stderr } = await runCli([...argv, "brick"]);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(sentence) as string,
    });
    expect(stderr.split("\n")).toHaveLength(2);
  });
});
