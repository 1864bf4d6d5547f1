/**
 * Crashes of a cluster under two servers and their writers: kill -9 of one, two or all three nodes (`cluster-kill`), and a
 * power cut of all three (`cluster-power`).
 */

import { setTimeout as wait } from "node:timers/promises";
import { NatsCluster } from "../../test-support/nats-cluster.ts";
import type { NatsNode } from "../../test-support/nats-node.ts";
import { startServer } from "../../test-support/programs.ts";
import { ClusterWriters, answersAgain } from "./cluster/cluster-writers.ts";
import { Acknowledgements, findViolations } from "./cluster/consistency.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { PowerDisk, powerDiskNeeds } from "./history/disks.ts";

/** Milliseconds for which nodes are gone: in a negative control, longer than a line is retried. */
const goneMs = 1000;
const goneLongMs = 12_000;
const recoverMsMax = 30_000;
const diskMiB = 512;
/** nats-server's default. */
const syncIntervalDefault = "2m";

export const faultTests: Readonly<Record<string, FaultTest>> = {
  "cluster-kill": {
    promise: "kill -9 of any nodes loses no acknowledged line and doubles none, and all copies are the same",
    unit: "kills of one, two or three nodes",
    first: 10,
    full: 500,
    isInCi: false,
    needs: ["nats-server"],
    negativeControls: [{ mutant: "early-cluster-acknowledgement", count: 1 }],
    run: runKill,
  },
  "cluster-power": {
    promise: "a power cut of all three nodes loses no acknowledged line",
    unit: "power cuts of three nodes",
    first: 3,
    full: 100,
    isInCi: false,
    needs: ["nats-server", ...powerDiskNeeds],
    negativeControls: [{ what: "nats-server's default sync interval", count: 2 }],
    run: runPower,
  },
};

async function runKill(trial: Trial): Promise<Finding> {
  await using cluster = await NatsCluster.start({ nodes: 3, folder: trial.folder });
  return await crashAgain(trial, cluster, {
    lifeMs: [200, 800],
    crash: async () => {
      const victims = trial.isControl ? 3 : trial.random.between(1, 3);
      const from = trial.random.below(3);
      const nodes = cluster.nodes.filter((_node, at) => (at - from + 3) % 3 < victims);
      await Promise.all(nodes.map((node) => node.kill()));
      await wait(trial.isControl ? goneLongMs : goneMs);
      return nodes;
    },
  });
}

async function runPower(trial: Trial): Promise<Finding> {
  using disk = new PowerDisk(trial.folder, diskMiB);
  const syncInterval = trial.isControl ? syncIntervalDefault : "always";
  await using cluster = await NatsCluster.start({ nodes: 3, folder: disk.path, syncInterval });
  // The configurations. Whatever the nodes get from here on, they must bring to the device themselves.
  disk.sync();
  return await crashAgain(trial, cluster, {
    lifeMs: [500, 2000],
    mayLoseStream: true,
    // Without this a control loses the whole stream, and no server is left that could give its lines.
    prepare: () => (trial.isControl ? disk.sync() : undefined),
    crash: async () => {
      disk.cut();
      await Promise.all(cluster.nodes.map((node) => node.kill()));
      disk.bringBack();
      return cluster.nodes;
    },
  });
}

interface Crash {
  /** How long the cluster lives before the next crash: at least, at most. */
  readonly lifeMs: readonly [number, number];
  /** Whether a cluster that does not come back counts as lost lines. */
  readonly mayLoseStream?: boolean;
  /** Called when the servers are up. */
  readonly prepare?: () => void;
  /** Returns the nodes that are to be started again. */
  readonly crash: () => Promise<readonly NatsNode[]>;
}

async function crashAgain(
  { count, random, nodeArgs, progress }: Trial,
  cluster: NatsCluster,
  { lifeMs, prepare, crash, mayLoseStream = false }: Crash,
): Promise<Finding> {
  const historyPath = cluster.address("crash");
  await using first = await startServer({ historyPath, nodeArgs });
  await using second = await startServer({ historyPath, nodeArgs });
  prepare?.();
  const ports = [first.port, second.port];
  const acknowledgements = new Acknowledgements();
  const violations: string[] = [];
  const recoveriesMs: number[] = [0];
  {
    await using _ = new ClusterWriters(acknowledgements, ports);
    for (let done = 0; done < count && violations.length === 0; done++) {
      await wait(random.between(...lifeMs));
      const nodes = await crash();
      for (const node of nodes) node.start();
      try {
        await Promise.all(nodes.map((node) => node.inStep()));
        for (const port of ports) recoveriesMs.push(await answersAgain(port, recoverMsMax));
      } catch (error) {
        if (!mayLoseStream) throw error;
        violations.push(`after crash ${done + 1}: ${(error as Error).message}`);
      }
      progress(done + 1);
    }
  }
  if (violations.length === 0) violations.push(...(await findViolations(cluster, ports, acknowledgements)));
  return {
    tried: count,
    checked: `8 writers at two servers; ${acknowledgements.checked}`,
    violations,
    figures: { "longest recovery, s": (Math.max(...recoveriesMs) / 1000).toFixed(1) },
  };
}
