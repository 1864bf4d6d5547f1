/** The ports that tests give to programs: no two processes are given the same one. */

import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "../../../test-support/free-port.ts";
import { run } from "../../../test-support/run.ts";

const script = `
  import { freePort } from ${JSON.stringify(new URL("../../../test-support/free-port.ts", import.meta.url).href)};
  Object.defineProperty(process, "pid", { value: ${process.pid} });
  process.stdout.write(String(await freePort()));
`;

test("two processes whose numbers ask for the same part of the ports get different parts", async () => {
  const own = await freePort();
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script]);
  const other = Number(stdout);
  expect(other).toBeGreaterThan(0);
  expect(Math.abs(other - own)).toBeGreaterThanOrEqual(100);
});

test("a port that somebody has is not given", async () => {
  const before = await freePort();
  const server = createServer().listen(before + 1, "127.0.0.1");
  await once(server, "listening");
  expect(await freePort()).toBe(before + 2);
  server.close();
});
