/** What `wirebook compare` says of conversations with a real service, which `wirebook connect` and `wirebook play` exported. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clientPath } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";
import { describeWith } from "../../test-support/services/describe-with.ts";
import { startRedis } from "../../test-support/services/redis.ts";

const wirebook = (words: readonly string[], input = "") => run(process.execPath, [clientPath, ...words], input);

describeWith(["redis-server", "openssl"], "two conversations with redis", () => {
  test("differ in the one reply that is not the same, or in the one command that was not sent", async () => {
    await using redis = await startRedis();
    const folder = await mkdtemp(join(tmpdir(), "wirebook-compare-"));
    const path = (name: string) => join(folder, `${name}.ndjson`);
    try {
      await writeFile(join(folder, "count.wire"), "> SET a 1\n< +OK\n> INCR b\n< :*\n> QUIT\n< +OK\n< EOF\n");
      const target = `redis=tcp://127.0.0.1:${redis.port}`;
      for (const name of ["first", "second"]) {
        const words = ["play", join(folder, "count.wire"), "--target", target, "--export", path(name)];
        expect(await wirebook(words)).toMatchObject({ code: 0 });
      }
      const counted = await wirebook(["compare", path("first"), path("second")]);
      expect(counted.stdout).toMatch(/^What was sent is the same; reply 2 differs\.\n/);
      expect(counted.stdout).toContain("\n > INCR b\\r\\n\n-< :1\\r\\n\n+< :2\\r\\n\n");
      expect([counted.code, counted.stderr]).toEqual([1, ""]);

      // All lines are sent at once there, so the turns are others.
      const lines = "SET a 1\r\nINCR b\r\nQUIT\r\n";
      const connect = ["connect", `127.0.0.1:${redis.port}`, "--export", path("at-once")];
      expect(await wirebook(connect, lines)).toMatchObject({ code: 0, stdout: "+OK\r\n:3\r\n+OK\r\n" });
      const same = await wirebook(["compare", path("second"), path("second")]);
      expect([same.code, same.stdout]).toEqual([0, "Same bytes, in the same reads and about the same time.\n"]);
      expect(await wirebook(["compare", path("second"), path("at-once")])).toMatchObject({ code: 1 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
