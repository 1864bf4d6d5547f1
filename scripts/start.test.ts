/** What `npm start` refuses before it installs, builds or starts anything. */

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "../interop/run.ts";

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

test.each([
  ["--server-port", "0", '--server-port is "0"'],
  ["--server-port", "65536", '--server-port is "65536"'],
  ["--prot", "5", "Unknown option '--prot'"],
])("%s %s", async (option, value, sentence) => {
  const { code, stderr } = await run(process.execPath, [script, option, value]);
  expect(stderr).toContain(sentence);
  expect(code).toBe(2);
});
