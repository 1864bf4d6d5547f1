/** What `npm start` refuses before it installs, builds or starts anything. */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, rmdir } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../test-support/run.ts";

const script = fileURLToPath(new URL("start.mjs", import.meta.url));

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

async function findFreePort(): Promise<string> {
  await using taken = await takePort();
  return taken.port;
}

test.each(["server-port", "gateway-port"])("a --%s that is taken, with another to choose", async (option) => {
  await using taken = await takePort();
  const other = option === "server-port" ? "gateway-port" : "server-port";
  const { code, stderr } = await run(process.execPath, [
    script,
    `--${option}`,
    taken.port,
    `--${other}`,
    await findFreePort(),
  ]);
  expect(stderr).toContain(`port ${taken.port} is taken`);
  expect(stderr).toContain(`npm start -- --${option} `);
  expect(code).toBe(1);
});

test("one port for both", async () => {
  const port = await findFreePort();
  const { code, stderr } = await run(process.execPath, [script, "--server-port", port, "--gateway-port", port]);
  expect(stderr).toContain(`cannot share port ${port}; choose two: npm start -- --server-port `);
  expect(code).toBe(2);
});

test("a gateway's log that cannot be opened, in a sentence and before anything is launched", async () => {
  const port = await findFreePort();
  const log = fileURLToPath(new URL(`../.wirebook/gateway-${port}.log`, import.meta.url));
  await mkdir(log, { recursive: true });
  onTestFinished(() => rmdir(log));
  const options = ["--server-port", await findFreePort(), "--gateway-port", port];
  const { code, stdout, stderr } = await run(process.execPath, [script, ...options]);
  expect(stderr).toBe(
    `wirebook: the gateway's log ${log} cannot be opened (EISDIR); remove what is there, or let this user write to that folder\n`,
  );
  expect([code, stdout]).toEqual([1, ""]);
});

test("an address in place of a port, as Kubernetes sets it, but says that it goes by the default", async () => {
  const env = { ...process.env, WIREBOOK_PORT: "tcp://10.96.0.12:5007", WIREBOOK_GATEWAY_PORT: "udp://10.96.0.13:1" };
  const { stderr } = spawnSync(process.execPath, [script, "--help"], { env, encoding: "utf8" });
  expect(stderr).toMatch(
    /^wirebook: WIREBOOK_PORT is "tcp:.*", which Kubernetes .*; it is ignored, and the port is 5007$/m,
  );
  expect(stderr).toMatch(/^wirebook: WIREBOOK_GATEWAY_PORT is "udp:.*; it is ignored, and the port is 8007$/m);
});

test.each([
  ["--server-port", "0", '--server-port is "0"'],
  ["--server-port", "65536", '--server-port is "65536"'],
  ["--prot", "5", "Unknown option '--prot'"],
])("%s %s", async (option, value, sentence) => {
  const { code, stderr } = await run(process.execPath, [script, option, value]);
  expect(stderr).toContain(sentence);
  expect(code).toBe(2);
});
