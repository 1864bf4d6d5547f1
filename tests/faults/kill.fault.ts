/** kill -9 of the server, under writers that also delete. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { Ledger } from "./history/ledger.ts";
import { recover, storm } from "./history/storm.ts";
import { Writers } from "./history/writers.ts";

/** How long a server lives after the writers have begun. */
const lifeMsMax = 250;

export const faultTest: FaultTest = {
  promise: "kill -9 loses no acknowledged line, doubles none and disturbs no client's order",
  unit: "kills",
  first: 200,
  ci: 25,
  full: 10_000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "early-acknowledgement", count: 3 }],
  run,
};

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  const ledger = new Ledger();
  const writers = new Writers(ledger, random);
  for (let done = 0; done < count; done++) {
    await using server = await startServer({ historyPath, nodeArgs });
    await storm(server, ledger, writers, async () => {
      await wait(random.between(1, lifeMsMax));
      await server.kill("SIGKILL");
    });
    ledger.settle(await recover(historyPath));
    progress(done + 1);
  }
  if (existsSync(`${historyPath}.broken`))
    ledger.violations.push("a line was torn, although nothing but a process died");
  const checked = `${ledger.checked.toLocaleString("en")} acknowledgements of 8 writers looked for`;
  return { tried: count, checked, violations: ledger.violations };
}
