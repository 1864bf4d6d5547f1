/** The reference implementation and Wirebook with each other; the reference pair comes first, to show that the rebuilds are right. */

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { encodeAnnouncement, encodeReplyHeader, operations } from "@wirebook/protocol";
import type { OperationSpec } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { clientPath, referenceClientPath, startReferenceServer, startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import { findPython } from "../../test-support/python.ts";
import { run } from "../../test-support/run.ts";
import type { Ran } from "../../test-support/run.ts";

const python = findPython();
const referenceHeader = [
  "https://example.org/original-logbook",
  "",
  "Operations: ",
  " To delete a line, enter 1 after your username and then its number",
  " To read the history, enter 2 after your username",
  " To delete the history, enter 3 after your username",
  "",
].join("\n");

/** Its standard output: `Sent:`, `Received:` and the first 2,048 bytes. */
async function referenceClient(server: ServerProgram, ...words: string[]): Promise<string> {
  const { stdout, stderr } = await run(python ?? "", [referenceClientPath, server.host, String(server.port), ...words]);
  expect(stderr).toBe("");
  return stdout;
}

function ownClient(server: ServerProgram, words: readonly string[], input?: string): Promise<Ran> {
  return run(process.execPath, [clientPath, "--port", String(server.port), ...words], input);
}

async function historyOf(server: ServerProgram): Promise<string[]> {
  return (await readFile(server.historyPath, "utf8")).split("\n").slice(0, -1);
}

describe.skipIf(python === undefined)("needs python3: the reference client and the reference server", () => {
  test("greet, read and refuse", async () => {
    await using server = await startReferenceServer(python ?? "");
    expect(await referenceClient(server, "brick")).toBe(`Sent:     brick\nReceived: ${referenceHeader}\n`);
    expect(await referenceClient(server, "stranger", "2")).toBe(
      "Sent:     stranger 2\nReceived: Authentication error.\n",
    );
    const lines = await referenceClient(server, "otter", "2");
    const written = await historyOf(server);
    expect(written.map((line) => line.replace(/ at .*/, ""))).toEqual([
      "brick from 127.0.0.1",
      "stranger from 127.0.0.1",
      "otter from 127.0.0.1",
    ]);
    expect(lines).toBe(`Sent:     otter 2\nReceived: ${referenceHeader}${written.join("\n")}\n\n`);
  });

  test("delete one line and then all of them", async () => {
    await using server = await startReferenceServer(python ?? "");
    await referenceClient(server, "otter");
    await referenceClient(server, "brick");
    await referenceClient(server, "brick", "1", "1");
    expect((await historyOf(server)).map((line) => line.replace(/ at .*/, ""))).toEqual([
      "brick from 127.0.0.1",
      "brick from 127.0.0.1",
      "delete 1 by brick",
    ]);
    await referenceClient(server, "brick", "3");
    expect((await historyOf(server)).map((line) => line.replace(/ at .*/, ""))).toEqual(["delete_all by brick"]);
  });

  test.each([[""], ["brick 1"]])("break on %j, and the next request is served", async (message) => {
    await using server = await startReferenceServer(python ?? "");
    expect(await referenceClient(server, ...message.split(" "))).toBe(`Sent:     ${message}\nReceived: \n`);
    expect(await referenceClient(server, "brick")).toContain("Operations: ");
  });
});

describe.skipIf(python === undefined)("needs python3: the reference client and the new server", () => {
  test("one read brings the header and the response", async () => {
    await using server = await startServer();
    const greeting = await referenceClient(server, "brick");
    const header = encodeReplyHeader({ link: /^Received: (.*)$/m.exec(greeting)?.[1] ?? "", operations });
    expect(greeting).toBe(`Sent:     brick\nReceived: ${header}\n`);
    const reading = await referenceClient(server, "brick", "2");
    const [first, second, ...others] = await historyOf(server);
    expect(others).toEqual([]);
    expect(first).toMatch(/^\S+Z 127\.0\.0\.1 "brick"$/);
    expect(reading).toBe(`Sent:     brick 2\nReceived: ${header}${first}\n${second}\n\n`);
  });

  test("a line is deleted, and only that one", async () => {
    await using server = await startServer();
    for (const user of ["one", "two", "three"]) await referenceClient(server, user);
    await referenceClient(server, "brick", "1", "2");
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
    await referenceClient(server, "brick");
    await referenceClient(server, "brick", "3");
    const lines = await historyOf(server);
    expect(lines.map((line) => line.split(" ").slice(2).join(" "))).toEqual(["brick deleted all"]);
  });

  test.each([[""], ["brick 1"], ["brick 99"]])(
    "%j, which broke the reference server or meant nothing, gets a sentence",
    async (message) => {
      await using server = await startServer();
      expect(await referenceClient(server, ...message.split(" "))).toMatch(/\nError: [^\n]+\n\n$/);
    },
  );

  test("a history that the reference server wrote is served as it is", async () => {
    await using old = await startReferenceServer(python ?? "");
    await referenceClient(old, "otter");
    const [line] = await historyOf(old);
    await old.kill();
    await using server = await startServer({ historyPath: old.historyPath });
    expect(await referenceClient(server, "brick", "2")).toContain(
      `\n${encodeAnnouncement(operations.at(-1) as OperationSpec)}\n${line}\n`,
    );
  });
});

describe.skipIf(python === undefined)("needs python3: the new client and the reference server", () => {
  test("print the response alone, told apart from the reference server's wording", async () => {
    await using server = await startReferenceServer(python ?? "");
    const { code, stdout, stderr } = await ownClient(server, ["brick", "2"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([expect.stringMatching(/^brick from 127\.0\.0\.1 at /), ""]);
    expect(await ownClient(server, ["brick"])).toEqual({ code: 0, stdout: referenceHeader, stderr: "" });
  });

  test("delete a line and then all of them", async () => {
    await using server = await startReferenceServer(python ?? "");
    expect(await ownClient(server, ["brick", "1", "1"])).toMatchObject({ code: 0, stdout: "Line 1 is deleted.\n" });
    expect(await ownClient(server, ["brick", "3"])).toMatchObject({ code: 0, stdout: "All lines are deleted.\n" });
    expect(await historyOf(server)).toEqual([expect.stringMatching(/^delete_all by brick at /)]);
  });

  test("tell an unknown user so", async () => {
    await using server = await startReferenceServer(python ?? "");
    expect(await ownClient(server, ["stranger"])).toEqual({ code: 1, stdout: "Authentication error.", stderr: "" });
  });

  test("says that the reference server broke", async () => {
    await using server = await startReferenceServer(python ?? "");
    const { code, stdout, stderr } = await ownClient(server, ["brick", "1"]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain(`${server.address} closed the connection without an answer`);
  });

  test("send standard input as one request after the other", async () => {
    await using server = await startReferenceServer(python ?? "");
    const { code, stdout } = await ownClient(server, [], "otter\nbrick\nstranger 2\nbrick 2\n");
    expect(code).toBe(1);
    expect(stdout).toContain(`${referenceHeader}${referenceHeader}Authentication error.\notter from `);
    expect((await historyOf(server)).map((line) => line.split(" ")[0])).toEqual([
      "otter",
      "brick",
      "stranger",
      "brick",
    ]);
  });

  test("read a history that is far longer than one read", async () => {
    await using server = await startReferenceServer(python ?? "");
    const messages = "brick\n".repeat(200);
    expect((await ownClient(server, [], messages)).code).toBe(0);
    const { stdout } = await ownClient(server, ["brick", "2"]);
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
        await ownClient(server, ["otter", "2"]);
      }
      if (seen.includes('"otter 2"')) follower.kill("SIGINT");
    }
    expect(seen).toMatch(/^Following from line \d+\.\n\S+Z 127\.0\.0\.1 "otter 2"\n$/);
  });
});
