import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPrinting } from "../../test-support/foreign-program.ts";
import { freePort } from "../../test-support/free-port.ts";

/** A Redis that syncs every write before it answers (`appendfsync always`), in a folder of its own. */
export async function startRedis(): Promise<AsyncDisposable & { readonly port: number }> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-redis-"));
  const port = await freePort();
  const sync = { appendonly: "yes", appendfsync: "always", save: "" };
  // To the protected mode only 127.0.0.1 is loopback, and the load comes from its neighbours too.
  const options = { port, bind: "127.0.0.1", "protected-mode": "no", dir: folder, ...sync };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const redis = await startPrinting("redis-server", words, /ready to accept connections/i);
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      await redis[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
