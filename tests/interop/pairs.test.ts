/** Old and new programs with each other; the original pair comes first, to show that the twins are right. */

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { encodeAnnouncement, encodeReplyHeader, operations } from "@wirebook/protocol";
import type { OperationSpec } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { clientPath, originClientPath, startOriginServer, startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import { findPython } from "../../test-support/python.ts";
import { run } from "../../test-support/run.ts";
import type { Ran } from "../../test-support/run.ts";

const python = findPython();
const originBeginning = [
  "https://example.org/original-logbook",
  "",
  "Operations: ",
  " To delete a line, enter 1 after your username and then its number",
  " To read the history, enter 2 after your username",
  " To delete the history, enter 3 after your username",
  "",
].join("\n");

/** Its standard output: `Sent:`, `Received:` and the first 2,048 bytes. */
async function oldClient(server: ServerProgram, ...words: string[]): Promise<string> {
  const { stdout, stderr } = await run(python ?? "", [originClientPath, server.host, String(server.port), ...words]);
  expect(stderr).toBe("");
  return stdout;
}

function newClient(server: ServerProgram, words: readonly string[], input?: string): Promise<Ran> {
  return run(process.execPath, [clientPath, "--port", String(server.port), ...words], input);
}

async function historyOf(server: ServerProgram): Promise<string[]> {
  return (await readFile(server.historyPath, "utf8")).split("\n").slice(0, -1);
}

describe.skipIf(python === undefined)("needs python3: the original client and the original server", () => {
  test("greet, read and refuse", async () => {
    await using server = await startOriginServer(python ?? "");
    expect(await oldClient(server, "brick")).toBe(`Sent:     brick\nReceived: ${originBeginning}\n`);
    expect(await oldClient(server, "stranger", "2")).toBe("Sent:     stranger 2\nReceived: Authentication error.\n");
    const lines = await oldClient(server, "otter", "2");
    const written = await historyOf(server);
    expect(written.map((line) => line.replace(/ at .*/, ""))).toEqual([
      "brick from 127.0.0.1",
      "stranger from 127.0.0.1",
      "otter from 127.0.0.1",
    ]);
    expect(lines).toBe(`Sent:     otter 2\nReceived: ${originBeginning}${written.join("\n")}\n\n`);
  });

  test("delete one line and then all of them", async () => {
    await using server = await startOriginServer(python ?? "");
    await oldClient(server, "otter");
    await oldClient(server, "brick");
    await oldClient(server, "brick", "1", "1");
    expect((await historyOf(server)).map((line) => line.replace(/ at .*/, ""))).toEqual([
      "brick from 127.0.0.1",
      "brick from 127.0.0.1",
      "delete 1 by brick",
    ]);
    await oldClient(server, "brick", "3");
    expect((await historyOf(server)).map((line) => line.replace(/ at .*/, ""))).toEqual(["delete_all by brick"]);
  });

  test.each([[""], ["brick 1"]])("break on %j, and the next request is served all the same", async (message) => {
    await using server = await startOriginServer(python ?? "");
    expect(await oldClient(server, ...message.split(" "))).toBe(`Sent:     ${message}\nReceived: \n`);
    expect(await oldClient(server, "brick")).toContain("Operations: ");
  });
});

describe.skipIf(python === undefined)("needs python3: the original client and the new server", () => {
  test("one read brings the beginning and the response", async () => {
    await using server = await startServer();
    const greeting = await oldClient(server, "brick");
    const beginning = encodeReplyHeader({ link: greeting.split(/\s+/)[3] ?? "", operations });
    expect(greeting).toBe(`Sent:     brick\nReceived: ${beginning}\n`);
    const reading = await oldClient(server, "brick", "2");
    const [first, second, ...others] = await historyOf(server);
    expect(others).toEqual([]);
    expect(first).toMatch(/^\S+Z 127\.0\.0\.1 "brick"$/);
    expect(reading).toBe(`Sent:     brick 2\nReceived: ${beginning}${first}\n${second}\n\n`);
  });

  test("a line is deleted, and only that one", async () => {
    await using server = await startServer();
    for (const user of ["one", "two", "three"]) await oldClient(server, user);
    await oldClient(server, "brick", "1", "2");
    const lines = await historyOf(server);
    expect(lines.map((line) => line.split(" ").slice(2, 6).join(" "))).toEqual([
      '"one"',
      '"three"',
      '"brick 1 2"',
      "brick deleted line 2",
    ]);
  });

  test("everything is deleted, and one line says by whom", async () => {
    await using server = await startServer();
    await oldClient(server, "brick");
    await oldClient(server, "brick", "3");
    const lines = await historyOf(server);
    expect(lines.map((line) => line.split(" ").slice(2).join(" "))).toEqual(["brick deleted all"]);
  });

  test.each([[""], ["brick 1"], ["brick 99"]])(
    "%j, which broke the original or meant nothing, gets a sentence",
    async (message) => {
      await using server = await startServer();
      expect(await oldClient(server, ...message.split(" "))).toMatch(/\nError: [^\n]+\n\n$/);
    },
  );

  test("a history that the original wrote is served as it is", async () => {
    await using old = await startOriginServer(python ?? "");
    await oldClient(old, "otter");
    const [line] = await historyOf(old);
    await old.kill();
    await using server = await startServer({ historyPath: old.historyPath });
    expect(await oldClient(server, "brick", "2")).toContain(
      `\n${encodeAnnouncement(operations.at(-1) as OperationSpec)}\n${line}\n`,
    );
  });
});

describe.skipIf(python === undefined)("needs python3: the new client and the original server", () => {
  test("print the response alone, told apart from the original's wording", async () => {
    await using server = await startOriginServer(python ?? "");
    const { code, stdout, stderr } = await newClient(server, ["brick", "2"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([expect.stringMatching(/^brick from 127\.0\.0\.1 at /), ""]);
    expect(await newClient(server, ["brick"])).toEqual({ code: 0, stdout: originBeginning, stderr: "" });
  });

  test("delete a line and then all of them", async () => {
    await using server = await startOriginServer(python ?? "");
    expect(await newClient(server, ["brick", "1", "1"])).toMatchObject({ code: 0, stdout: "Line 1 is deleted.\n" });
    expect(await newClient(server, ["brick", "3"])).toMatchObject({ code: 0, stdout: "All lines are deleted.\n" });
    expect(await historyOf(server)).toEqual([expect.stringMatching(/^delete_all by brick at /)]);
  });

  test("tell an unknown user so", async () => {
    await using server = await startOriginServer(python ?? "");
    expect(await newClient(server, ["stranger"])).toEqual({ code: 1, stdout: "Authentication error.", stderr: "" });
  });

  test("say in words that the original broke", async () => {
    await using server = await startOriginServer(python ?? "");
    const { code, stdout, stderr } = await newClient(server, ["brick", "1"]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain(`${server.address} closed the connection without an answer`);
  });

  test("send standard input as one request after the other", async () => {
    await using server = await startOriginServer(python ?? "");
    const { code, stdout } = await newClient(server, [], "otter\nbrick\nstranger 2\nbrick 2\n");
    expect(code).toBe(1);
    expect(stdout).toContain(`${originBeginning}${originBeginning}Authentication error.\notter from `);
    expect((await historyOf(server)).map((line) => line.split(" ")[0])).toEqual([
      "otter",
      "brick",
      "stranger",
      "brick",
    ]);
  });

  test("read a history that is far longer than one read", async () => {
    await using server = await startOriginServer(python ?? "");
    const messages = "brick\n".repeat(200);
    expect((await newClient(server, [], messages)).code).toBe(0);
    const { stdout } = await newClient(server, ["brick", "2"]);
    expect(stdout).toBe(await readFile(server.historyPath, "utf8"));
    expect(stdout.length).toBeGreaterThan(3 * 2048);
  });
});

describe("the new client and the new server", () => {
  test("follow the history until Ctrl-C", async () => {
    await using server = await startServer();
    const follower = spawn(process.execPath, [clientPath, "--port", String(server.port), "brick", "5"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let seen = "";
    for await (const chunk of follower.stdout) {
      const before = seen;
      seen += String(chunk);
      if (!before.includes("Following from line") && seen.includes("Following from line")) {
        await newClient(server, ["otter", "2"]);
      }
      if (seen.includes('"otter 2"')) follower.kill("SIGINT");
    }
    expect(seen).toMatch(/^Following from line \d+\.\n\S+Z 127\.0\.0\.1 "otter 2"\n$/);
  });
});
