/** Power cuts under the server's disk, while writers write and delete. */

import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { Ledger } from "./history/ledger.ts";
import { PowerDisk, powerDiskNeeds } from "./history/power-disk.ts";
import { recover, storm } from "./history/storm.ts";
import { Writers } from "./history/writers.ts";

/** Without syncs there are no deletes: ext4 by itself writes out a file that is renamed over another (auto_da_alloc). */
const deleteShare = 0.03;
/** How long the power lasts after the writers have begun. */
const powerMsMax = 300;

export const faultTest: FaultTest = {
  promise: "a power cut loses no acknowledged line",
  unit: "power cuts",
  first: 50,
  ci: 12,
  full: 2000,
  isInCi: true,
  needs: powerDiskNeeds,
  negativeControls: [{ mutant: "no-sync", count: 10 }],
  run,
};

async function run({ count, random, folder, nodeArgs, isControl, progress }: Trial): Promise<Finding> {
  using disk = new PowerDisk(folder);
  const historyPath = join(disk.path, "history.txt");
  const ledger = new Ledger();
  const writers = new Writers(ledger, random, { deleteShare: isControl ? 0 : deleteShare });
  let cutsWithLoss = 0;
  for (let done = 0; done < count; done++) {
    const violationsBefore = ledger.violations.length;
    {
      await using server = await startServer({ historyPath, nodeArgs });
      await storm(server, ledger, writers, async () => {
        await wait(random.between(20, powerMsMax));
        disk.cut();
        await server.kill("SIGKILL");
      });
    }
    disk.bringBack();
    ledger.settle(await recover(historyPath));
    if (ledger.violations.length > violationsBefore) cutsWithLoss += 1;
    progress(done + 1);
  }
  const checked = `${ledger.checked.toLocaleString("en")} acknowledgements looked for`;
  return { tried: count, checked, violations: ledger.violations, figures: { "cuts with a loss": cutsWithLoss } };
}
