/** What the first version wrote, opened by this one: tests/interop/first-version has its own files, as it left them. */

import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startServer } from "../../test-support/programs.ts";
import { ask } from "../../test-support/tcp-client.ts";

const kept = fileURLToPath(new URL("first-version", import.meta.url));

test("a server opens the history and the users of the first version, and changes none of their lines", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-upgrade-"));
  await using made = new AsyncDisposableStack();
  made.defer(() => rm(folder, { recursive: true }));
  await cp(kept, folder, { recursive: true });
  const before = await readFile(join(kept, "history.txt"), "utf8");
  const lines = before.trimEnd().split("\n");
  const server = made.use(await startServer({ historyPath: join(folder, "history.txt") }));

  // The keys that it had given out are still good, and needed.
  const otter = "otter~9cdbznws93wg9539ga1mn5w57j";
  expect(await ask(server.port, "otter 2 1 3\n")).toBe("Authentication error.");
  const read = await ask(server.port, `${otter} 2 1 ${lines.length}\n`);
  expect(read.trimEnd().split("\n").slice(-lines.length)).toEqual(lines);
  const after = await readFile(server.historyPath, "utf8");
  expect(after.startsWith(before)).toBe(true);

  // A line is deleted by its number and its time, as those of this version are.
  const [time] = (lines[2] as string).split(" ");
  expect(await ask(server.port, `eagle-31~b35tgq0s82f8r4a6qva7n0h3tv 1 3 ${time}\n`)).toContain("Deleted line 3.");
  expect(await readFile(join(folder, "users.txt"), "utf8")).toBe(await readFile(join(kept, "users.txt"), "utf8"));
});
