import { openFolder, startService } from "../../test-support/services/debian.ts";

/** A Redis that syncs every write before it answers (`appendfsync always`), in a folder of its own. */
export async function startRedis(): Promise<AsyncDisposable & { readonly port: number }> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("redis"));
  const sync = { appendonly: "yes", appendfsync: "always", save: "" };
  // To the protected mode only 127.0.0.1 is loopback, and the load comes from its neighbours too.
  const options = { bind: "127.0.0.1", "protected-mode": "no", dir: path, ...sync };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const { port } = made.use(await startService("redis-server", (free) => ["--port", String(free), ...words]));
  const held = made.move();
  return { port, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
