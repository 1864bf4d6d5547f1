/** What tests start ends with them. Each test here is a run of tests of its own, in a process of its own. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { mark } from "./leftovers.mjs";

/** Starts a run that leaves a program behind, which has its standard output and ends by itself in a minute only. */
function startRun(leaves: string, then: string) {
  const script = `
    import { spawn } from "node:child_process";
    import beginRun, { endLeftovers } from ${JSON.stringify(new URL("leftovers.mjs", import.meta.url).href)};
    beginRun();
    spawn("sh", ["-c", ${JSON.stringify(leaves)}], { detached: true, stdio: ["ignore", "inherit", "ignore"] }).unref();
    ${then}`;
  const words = ["--input-type=module", "--eval", script];
  const run = spawn(process.execPath, words, {
    env: { ...process.env, [mark]: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // "close" comes when all that have its output are gone, too.
  return { run, closed: once(run, "close"), said: text(run.stderr) };
}

const stubborn = "trap '' TERM INT HUP; echo up; sleep 60";

describe.skipIf(!existsSync("/proc/self/environ"))("needs /proc: a run of tests", () => {
  test.concurrent.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)(
    "that ends by %s leaves nothing running",
    async (signal) => {
      const { run, closed, said } = startRun(stubborn, "setInterval(() => {}, 1000)");
      await once(run.stdout, "data");
      run.kill(signal);
      await closed;
      expect(await said).toContain("wirebook: a test left this behind: sleep 60");
    },
  );

  test("ends what is left and says what it was", async () => {
    const { run, closed, said } = startRun(stubborn, "console.log(endLeftovers(undefined, 0))");
    expect(await text(run.stdout)).toContain("sleep 60");
    await closed;
    expect(await said).toBe("");
  });

  test("waits for what is about to end, and says nothing of it", async () => {
    const { run, closed, said } = startRun("true", "console.log(endLeftovers())");
    expect(await text(run.stdout)).toBe("[]\n");
    await closed;
    expect(await said).toBe("");
  });
});
