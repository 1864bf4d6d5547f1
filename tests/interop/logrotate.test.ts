/** Debian's logrotate on the history of a server under load, with the recipe of `deploy/`. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { debianEnvironment, findProgram } from "../../scripts/debian-programs.mjs";
import { startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import { Random } from "../../test-support/random.ts";
import { describeWith } from "../../test-support/services/describe-with.ts";
import { ask } from "../../test-support/tcp-client.ts";
import { messagesBeside } from "../faults/history/files.ts";
import { follow } from "../faults/history/follower.ts";
import { Ledger } from "../faults/history/ledger.ts";
import { Writers } from "../faults/history/writers.ts";

const rotations = 12;
const answersBetween = 50;

/** A server with its history in a folder of its own, and logrotate for that history. */
async function startRotated(change: (recipe: string) => string) {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-logrotate-"));
  const historyPath = join(folder, "history.txt");
  const recipe = await readFile(new URL("../../deploy/logrotate/wirebook", import.meta.url), "utf8");
  const { uid, gid } = userInfo();
  const own = recipe
    .replace("/var/lib/wirebook/history.txt", historyPath)
    .replaceAll("wirebook wirebook", `${uid} ${gid}`);
  const recipePath = join(folder, "recipe");
  await writeFile(recipePath, change(own), { mode: 0o644 });
  const server = await startServer({ historyPath });
  return {
    server,
    folder,
    /** What logrotate had to say, and its exit code. */
    async rotate(): Promise<[number, string]> {
      const words = ["--force", "--state", join(folder, "state"), recipePath];
      const child = spawn(findProgram("logrotate") ?? "logrotate", words, { env: debianEnvironment() });
      const said = Promise.all([text(child.stdout), text(child.stderr)]);
      const [code] = (await once(child, "close")) as [number];
      return [code, (await said).join("")];
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Rotates again and again while clients write; the requests that were acknowledged, when all of them have been followed. */
async function rotateUnderLoad(server: ServerProgram, rotate: () => Promise<[number, string]>, ledger: Ledger) {
  const writers = new Writers(ledger, new Random(1), { deleteShare: 0 });
  await follow(server.port, ledger);
  let isEnough = false;
  const writing = writers.run(server.port, () => isEnough);
  for (let rotation = 0; rotation < rotations; rotation++) {
    const wanted = writers.answered + answersBetween;
    while (writers.answered < wanted) await ask(server.port, "probe 6");
    expect(await rotate()).toEqual([0, ""]);
  }
  isEnough = true;
  await writing;
  return [...ledger.acknowledged];
}

describeWith(["logrotate", "gzip"], "logrotate", () => {
  test.each<[string, (recipe: string) => string]>([
    ["as the recipe has it", (recipe) => recipe],
    ["without create", (recipe) => recipe.replace(/^ *create .*/m, "nocreate")],
  ])("%s, loses no acknowledged line and doubles none", async (_, change) => {
    await using rotated = await startRotated(change);
    const { server } = rotated;
    const { promise: marked, resolve } = Promise.withResolvers<void>();
    const ledger = new (class extends Ledger {
      override deliver(line: string, isApplied?: boolean): void {
        super.deliver(line, isApplied);
        if (line.endsWith('"marker"')) resolve();
      }
    })();
    const acknowledged = await rotateUnderLoad(server, () => rotated.rotate(), ledger);
    await ask(server.port, "marker");
    await marked; // A stop ends follows behind any line.
    await server.kill();
    ledger.settle(await readFile(server.historyPath, "utf8"));
    expect(ledger.violations).toEqual([]);
    const counts = await messagesBeside(server.historyPath);
    expect(acknowledged.length).toBeGreaterThan(rotations * answersBetween);
    expect(acknowledged.filter((message) => counts.get(message) !== 1)).toEqual([]);
    const names = (await readdir(rotated.folder)).filter((name) => name.startsWith(basename(server.historyPath)));
    const compressed = Array.from({ length: rotations - 1 }, (_gone, at) => `history.txt.${at + 2}.gz`);
    expect(names.toSorted()).toEqual(["history.txt", "history.txt.1", "history.txt.lock", ...compressed].toSorted());
    expect(server.stdout.filter((line) => line.includes('"failure"'))).toEqual([]);
  });

  test("with copytruncate makes the server stop, with the setting to use instead", async () => {
    await using rotated = await startRotated((recipe) => recipe.replace(/^ *create .*/m, "copytruncate"));
    const { server } = rotated;
    for (const message of ["a", "b"]) await ask(server.port, message);
    expect(await rotated.rotate()).toEqual([0, ""]);
    await ask(server.port, "c").catch(() => "");
    expect((await server.exited).code).toBe(1);
    expect(server.stderr.join("\n")).toMatch(
      /copied it to .*history\.txt\.1 and emptied it, which loses lines .*; with logrotate, use create or nocreate instead/,
    );
    const kept = await readFile(`${server.historyPath}.1`, "utf8");
    expect(kept.match(/"."/g)).toEqual(['"a"', '"b"']);
  });
});
