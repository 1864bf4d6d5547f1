/** Crashes under writers that also delete: kill -9 of the server (`kill`), and the power of its disk cut (`power`). */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { Ledger } from "./history/ledger.ts";
import { PowerDisk, powerDiskNeeds } from "./history/disks.ts";
import { recover, storm } from "./history/storm.ts";
import { Writers } from "./history/writers.ts";

const deleteShare = 0.03;

export const faultTests: Readonly<Record<string, FaultTest>> = {
  kill: {
    promise: "kill -9 loses no acknowledged line, doubles none and disturbs no client's order",
    unit: "kills",
    first: 200,
    ci: 12,
    full: 10_000,
    isInCi: true,
    needs: [],
    negativeControls: [{ mutant: "early-acknowledgement", count: 3 }],
    run: runKill,
  },
  power: {
    promise: "a power cut loses no acknowledged line",
    unit: "power cuts",
    first: 50,
    ci: 8,
    full: 2000,
    isInCi: true,
    needs: powerDiskNeeds,
    negativeControls: [{ mutant: "no-sync", count: 10 }],
    run: runPower,
  },
};

async function runKill(trial: Trial): Promise<Finding> {
  const finding = await crashAgain(trial, trial.folder, {
    deleteShare,
    lifeMs: [1, 250],
    crash: (server) => server.kill("SIGKILL"),
  });
  if (!existsSync(join(trial.folder, "history.txt.broken"))) return finding;
  return { ...finding, violations: [...finding.violations, "a partial line, although only a process died"] };
}

async function runPower(trial: Trial): Promise<Finding> {
  using disk = new PowerDisk(trial.folder);
  return await crashAgain(trial, disk.path, {
    // Without syncs there are no deletes: ext4 writes out a file that is renamed over another (auto_da_alloc).
    deleteShare: trial.isControl ? 0 : deleteShare,
    lifeMs: [20, 300],
    crash: (server) => {
      disk.cut();
      return server.kill("SIGKILL");
    },
    bringBack: () => disk.bringBack(),
  });
}

interface Crash {
  readonly deleteShare: number;
  /** How long a server lives after the writers have started: at least, at most. */
  readonly lifeMs: readonly [number, number];
  readonly crash: (server: ServerProgram) => Promise<unknown>;
  /** Makes the history accessible again when the server has ended. */
  readonly bringBack?: () => void;
}

async function crashAgain(
  { count, random, nodeArgs, progress }: Trial,
  folder: string,
  { deleteShare: share, lifeMs, crash, bringBack }: Crash,
): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  const ledger = new Ledger();
  const writers = new Writers(ledger, random, { deleteShare: share });
  for (let done = 0; done < count && ledger.violations.length === 0; done++) {
    {
      await using server = await startServer({ historyPath, nodeArgs });
      await storm(server, ledger, writers, async () => {
        await wait(random.between(...lifeMs));
        await crash(server);
      });
    }
    bringBack?.();
    ledger.settle(await recover(historyPath));
    progress(done + 1);
  }
  const checked = `${ledger.checked.toLocaleString("en")} acknowledgements of 8 writers looked for`;
  return { tried: count, checked, violations: ledger.violations };
}
