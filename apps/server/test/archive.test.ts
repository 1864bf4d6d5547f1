/** `wirebook history archive`, as its operator runs it. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openRig } from "./server-fixture.ts";
import { ask } from "./tcp-peer.ts";

const program = fileURLToPath(new URL("../src/cli/history.ts", import.meta.url));

/** Runs the command; what it said, and its exit code. */
async function archive(words: readonly string[], env: Record<string, string> = {}): Promise<[number, string]> {
  const child = spawn(process.execPath, [program, "archive", ...words], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code] = (await once(child, "close")) as [number];
  return [code, said];
}

const archivesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.includes(".archived-"));

test("a running server archives, for a user of its own", async () => {
  await using rig = await openRig();
  for (const message of ["a", "b", "c"]) await ask(rig.port, `${message}\n`);
  const server = ["--port", String(rig.port)];
  const [code, said] = await archive([...server, "--keep-lines", "2"]);
  const [name = ""] = await archivesIn(rig.folder);
  expect([code, said]).toEqual([0, `wirebook: Archived lines 1-2 in ${name}.\n`]);
  expect((await readFile(join(rig.folder, name), "utf8")).match(/"."/g)).toEqual(['"a"', '"b"']);
  expect(await rig.asked()).toEqual(["c", "operator 7 2"]);
  expect(await archive([...server, "--keep-days", "1"])).toEqual([
    0,
    expect.stringContaining("Archived no line, since all are to be kept."),
  ]);
});

test("a server of registered users archives for an admin alone, whose key is shown nowhere", async () => {
  await using rig = await openRig({}, { mode: "registered" });
  const server = ["--port", String(rig.port)];
  const member = await rig.register("otter", "member");
  const admin = await rig.register("ada", "admin");
  expect(await archive(server)).toEqual([1, expect.stringContaining("put NAME~KEY of an admin into WIREBOOK_USER")]);
  expect(await archive(server, { WIREBOOK_USER: member })).toEqual([
    1,
    "wirebook: operation 7 needs the role admin, and otter is a member; ask the operator of the server for it\n",
  ]);
  expect(await archive(server, { WIREBOOK_USER: admin })).toEqual([
    0,
    expect.stringContaining("Archived lines 1-3 in"),
  ]);
  expect((await rig.lines()).join()).toContain("ada archived lines 1-3 in");
  expect((await archive(server, { WIREBOOK_USER: `${admin} x` }))[1]).not.toContain(admin.split("~")[1]);
});

test("where the server cannot be asked, the command says how to name it", async () => {
  await using closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  await closed[Symbol.asyncDispose]();
  const [code, said] = await archive(["--port", String(port)]);
  expect(code).toBe(1);
  expect(said).toMatch(
    /the server at 127\.0\.0\.1, port \d+, could not be asked: .*REFUSED.*; see --host and --port\n$/,
  );
  expect(await archive(["--keep-days", "1", "--keep-lines", "1"])).toEqual([
    2,
    "wirebook: --keep-lines and --keep-days exclude each other; type one of them\n",
  ]);
});
