/** What `wirebook start` refuses before it starts anything, and what it says once it runs. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { writePeople } from "../../../tests/faults/people/people-fixture.ts";
import { freePort } from "../../../test-support/free-port.ts";
import { run } from "../../../test-support/run.ts";

const launcher = fileURLToPath(new URL("../bin/wirebook.mjs", import.meta.url));

const start = (...words: string[]) => run(process.execPath, [launcher, "start", ...words]);

/** A server that has a port of the system's choosing for as long as it is used. */
async function takePort(): Promise<AsyncDisposable & { readonly port: string }> {
  const server = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port: String(port),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

test.each(["server-port", "gateway-port"])("a --%s that is taken, with another to choose", async (option) => {
  await using taken = await takePort();
  const other = option === "server-port" ? "gateway-port" : "server-port";
  const { code, stderr } = await start(`--${option}`, taken.port, `--${other}`, String(await freePort()));
  expect(stderr).toContain(`port ${taken.port} of 127.0.0.1 is in use`);
  expect(stderr).toContain(`choose another port: --${option} `);
  expect(code).toBe(1);
});

test("one port for both", async () => {
  const port = String(await freePort());
  const { code, stderr } = await start("--server-port", port, "--gateway-port", port);
  expect(stderr).toBe(`wirebook: server and gateway cannot share port ${port}; choose another with --gateway-port\n`);
  expect(code).toBe(2);
});

test("an address in place of a port, as Kubernetes sets it, but says that it goes by the default", async () => {
  await using taken = await takePort();
  const env = { ...process.env, WIREBOOK_PORT: "tcp://10.96.0.12:5007", WIREBOOK_GATEWAY_PORT: taken.port };
  const { stderr } = spawnSync(process.execPath, [launcher, "start"], { env, encoding: "utf8" });
  expect(stderr).toMatch(
    /^wirebook: WIREBOOK_PORT is "tcp:.*", which Kubernetes .*; it is ignored, and --port is 5007$/m,
  );
});

test.each([
  [["--server-port", "0"], '--server-port is "0"; type a port from 1 to 65535'],
  [["--server-port", "65536"], '--server-port is "65536"; type a port from 1 to 65535'],
  [["--prot", "5"], "unknown option --prot; see --help"],
  [["brick"], '"brick" is not an option; see --help'],
  [["--server-port", "PORT", "--gateway-port", "0"], '--gateway-port is "0"; type a port from 1 to 65535'],
  [["--server-port", "PORT", "--host", "0.0.0.0"], "--host 0.0.0.0 may be reachable from other machines"],
  [["--users", "registered", "--i-know"], "--i-know is for --users open"],
])("%j", async (words, sentence) => {
  const port = String(await freePort());
  const { code, stdout, stderr } = await start(...words.map((word) => (word === "PORT" ? port : word)));
  expect(stderr).toContain(`wirebook: ${sentence}`);
  expect([code, stdout]).toEqual([2, ""]);
});

test("it says the gateway's notices once, and stops at SIGTERM", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-start-"));
  try {
    await writeFile(join(folder, "index.html"), "<!doctype html>");
    const people = await writePeople(folder, ["ada"]);
    const ports = ["--server-port", String(await freePort()), "--gateway-port", String(await freePort())];
    const words = [launcher, "start", ...ports, "--page", folder, "--auth", `basic:${people}`];
    const program = spawn(process.execPath, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(program, "close");
    let [stdout, stderr] = ["", ""];
    program.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    for await (const chunk of program.stdout) {
      stdout += String(chunk);
      if (stdout.includes("Ctrl-C stops it")) program.kill("SIGTERM");
    }
    expect(await ended).toEqual([0, null]);
    expect(stdout).toContain(`\n    page      http://127.0.0.1:${ports[3]}\n`);
    expect(stderr.match(/without a --role everybody may only look/g)).toHaveLength(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});
