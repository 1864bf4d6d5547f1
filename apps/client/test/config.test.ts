import { SettingsError } from "@wirebook/settings";
import { describe, expect, test } from "vitest";
import { help, readInvocation } from "../src/config.ts";
import { timeoutMsMax } from "../src/options.ts";
import { exitCodes } from "../src/result.ts";
import { runCli } from "./cli.ts";

const read = (argv: string[], env: Record<string, string> = {}) => readInvocation({ argv, env });

describe("the settings", () => {
  test("have defaults", () => {
    expect(read([])).toEqual({
      kind: "run",
      config: {
        target: { host: "127.0.0.1", port: 5007 },
        timeoutMs: undefined,
        isJson: false,
        isTraced: false,
        utc: false,
        message: undefined,
      },
    });
  });

  test("come from the environment, and options go before it", () => {
    const env = {
      WIREBOOK_HOST: "example.org",
      WIREBOOK_PORT: "6000",
      WIREBOOK_TIMEOUT: "250",
      WIREBOOK_JSON: "1",
      WIREBOOK_TRACE: "yes",
    };
    const config = { target: { host: "example.org", port: 6000 }, timeoutMs: 250, isJson: true, isTraced: true };
    expect(read(["brick"], env)).toMatchObject({ config: { ...config, message: "brick" } });
    expect(read(["--port", "7", "--host", "[::1]", "--timeout=9"], env)).toMatchObject({
      config: { target: { host: "::1", port: 7 }, timeoutMs: 9 },
    });
    expect(read([], { WIREBOOK_JSON: "0", WIREBOOK_TRACE: "" })).toMatchObject({
      config: { isJson: false, isTraced: false },
    });
  });

  test("bound the timeout", () => {
    expect(read(["--timeout", String(timeoutMsMax)])).toMatchObject({ config: { timeoutMs: timeoutMsMax } });
    for (const wrong of ["0", String(timeoutMsMax + 1), "-5", "2s"]) {
      expect(() => read(["--timeout", wrong]), wrong).toThrow(SettingsError);
    }
  });

  test("refuse the port 0", () => {
    expect(() => read(["--port", "0"])).toThrow("type a port from 1 to 65535");
  });

  test("are left alone behind --", () => {
    expect(read(["--", "--version"])).toMatchObject({ kind: "run", config: { message: "--version" } });
  });
});

describe("the command line", () => {
  test("--help names every option, its variable and every exit code", async () => {
    const { code, stdout } = await runCli(["--help"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: help });
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
    expect(read([], env)).toMatchObject({ config: { target: { port: 5007 } } });
    const { code, stderr } = await runCli(["x".repeat(2049)], { env });
    expect([code, stderr.split("\n").length]).toEqual([2, 3]);
    expect(stderr).toMatch(
      /^wirebook: WIREBOOK_PORT is "tcp:\/\/10\.96\.0\.12:5007", which Kubernetes .* --port is 5007\n/,
    );
  });

  test.each([
    [["--bogus"], "--help"],
    [["--port", "70000"], '--port is "70000"; type a port from 1 to 65535'],
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
