/** The server dies just before a chosen call to the system, by strace, whatever it was doing. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { Ledger } from "./history/ledger.ts";
import { failsWithin, recover } from "./history/storm.ts";
import { Writers } from "./history/writers.ts";

/** The calls that change files, and how many of each one a server may survive: some come with every batch, some with a delete. */
const calls = [
  { name: "pwrite64", most: 60 },
  { name: "fdatasync", most: 40 },
  { name: "rename", most: 3 },
  { name: "fsync", most: 3 },
  { name: "ftruncate", most: 3 },
  { name: "unlink", most: 1 }, // The only one, at the start.
] as const;
/** A server that has not come to the point by then is killed where it is. */
const pointMsMax = 5000;

export const faultTest: FaultTest = {
  promise: "before and after every write, sync, rename and truncation is a safe place to die",
  unit: "points",
  first: 120,
  full: 1000,
  isInCi: false,
  needs: ["strace"],
  negativeControls: [{ mutant: "truncate-before-rename", count: 12 }],
  run,
};

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  const ledger = new Ledger();
  const writers = new Writers(ledger, random, { deleteShare: 0.2 });
  let missed = 0;
  for (let done = 0; done < count; done++) {
    const under = dieAt(done, random);
    // What a death left, and `recover` removed: the unlink of a start is a point too.
    await writeFile(`${historyPath}.next`, "left over");
    const starting = startServer({ historyPath, nodeArgs, under });
    const isReached = await failsWithin(starting, pointMsMax, ledger, writers);
    if (!isReached) missed += 1;
    ledger.settle(await recover(historyPath));
    progress(done + 1);
  }
  const checked = `${ledger.checked.toLocaleString("en")} acknowledgements looked for, the file folded from its feed each time`;
  return { tried: count, checked, violations: ledger.violations, figures: { "points not reached": missed } };
}

function dieAt(turn: number, random: Random): readonly string[] {
  const { name, most } = calls[turn % calls.length] as (typeof calls)[number];
  const inject = `inject=${name}:signal=SIGKILL:when=${random.between(1, most)}`;
  return ["strace", "-f", "-o", "/dev/null", "-e", `trace=${name}`, "-e", inject];
}
