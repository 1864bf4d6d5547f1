/**
 * The history is rotated under load: renamed as logrotate does, with a new file or without, or archived by operation 7.
 * Each acknowledged line is in exactly one file, and whoever follows keeps an exact copy of the history. When the server
 * is killed while it archives, a line may be in two files, and never in none.
 */

import { closeSync, openSync, renameSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer } from "../../test-support/programs.ts";
import { ask } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { follow } from "./history/follower.ts";
import { Ledger } from "./history/ledger.ts";
import { messagesBeside } from "./history/files.ts";
import { Writers } from "./history/writers.ts";

/** Rotations of one server, between which so many requests are answered. */
const rotationsEach = 5;
const answersBetween = 24;

const marker = "marker";

const ways = ["create", "nocreate", "archive", "create", "kill"] as const;

export const faultTest: FaultTest = {
  promise: "a rotated history has each acknowledged line in exactly one file, and a follower's copy stays exact",
  unit: "rotations",
  first: 25,
  ci: 15,
  full: 2000,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "unsaid-rotation", count: 5 },
    { mutant: "unnoticed-rotation", count: 5 },
    { mutant: "copied-archive", count: 15 },
    { mutant: "removed-archive", count: 15 },
  ],
  run,
};

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const violations: string[] = [];
  let checked = 0;
  for (let done = 0; done < count; done += rotationsEach) {
    const way = ways[(done / rotationsEach) % ways.length] as (typeof ways)[number];
    const historyPath = join(folder, `round-${done}-history.txt`);
    const ledger = new MarkedLedger();
    const writers = new Writers(ledger, random, { deleteShare: 0 });
    await using server = await startServer({ historyPath, nodeArgs });
    const { gone } = await follow(server.port, ledger);
    let wanted = answersBetween;
    let isStopped = false;
    const writing = writers.run(server.port, () => isStopped);
    const answered = async (): Promise<void> => {
      // A server that is gone gives no answer at all.
      while (writers.answered < wanted && (await ask(server.port, "probe 6")) !== "");
      wanted = writers.answered + answersBetween;
    };
    for (let rotation = 1; rotation <= rotationsEach; rotation++) {
      await answered();
      if (way === "archive" || way === "kill") {
        const archiving = ask(server.port, `archivist 7 ${random.below(20)}`);
        if (way === "archive" || rotation < rotationsEach) await archiving;
      } else rotate(historyPath, rotation, way === "create");
    }
    if (way !== "kill") await answered();
    isStopped = true;
    if (way === "kill") await server.kill("SIGKILL");
    await writing;
    // A stop ends follows behind any line, so it waits until the last one has come. A server that is gone answers nothing.
    if (way !== "kill" && (await ask(server.port, marker)) !== "") await Promise.race([ledger.marked, gone]);
    await server.kill();
    await gone;
    const acknowledged = [...ledger.acknowledged];
    checked += acknowledged.length;
    // A server that was killed may have followers who did not get the last lines.
    if (way !== "kill") ledger.settle(await readFile(historyPath, "utf8"));
    const counts = await messagesBeside(historyPath);
    for (const message of acknowledged) {
      const times = counts.get(message) ?? 0;
      if (times === 0 || (times > 1 && way !== "kill")) violations.push(`${way}: ${message} is in ${times} files`);
    }
    violations.push(...ledger.violations.map((violation) => `${way}: ${violation}`));
    progress(done + rotationsEach);
  }
  return {
    tried: count,
    checked: `${checked.toLocaleString("en")} acknowledged lines, each looked for in all files`,
    violations,
  };
}

/** Knows when the line of the last request has come. */
class MarkedLedger extends Ledger {
  readonly #mark = Promise.withResolvers<void>();
  readonly marked: Promise<void> = this.#mark.promise;

  override deliver(line: string, isApplied?: boolean): void {
    super.deliver(line, isApplied);
    if (line.endsWith(`"${marker}"`)) this.#mark.resolve();
  }
}

/** As logrotate does it. */
function rotate(path: string, number: number, creates: boolean): void {
  renameSync(path, `${path}.${number}`);
  if (creates) closeSync(openSync(path, "wx", 0o644));
}
