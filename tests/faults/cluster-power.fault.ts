/** Power cuts of all three nodes of a cluster at once, under two servers and their writers. */

import { setTimeout as wait } from "node:timers/promises";
import { NatsCluster } from "../../test-support/nats-cluster.ts";
import { startServer } from "../../test-support/programs.ts";
import { Crowd, answersAgain } from "./cluster/crowd.ts";
import { natsNeeds } from "./cluster/needs.ts";
import { Counters } from "./cluster/tally.ts";
import { judge } from "./cluster/verdict.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { PowerDisk, powerDiskNeeds } from "./history/power-disk.ts";

const recoverMsMax = 30_000;
const diskMiB = 512;
/** What nats-server does unless it is told otherwise. */
const syncIntervalDefault = "2m";

export const faultTest: FaultTest = {
  promise: "a power cut of all three nodes loses no acknowledged line",
  unit: "power cuts of three nodes",
  first: 3,
  full: 100,
  isInCi: false,
  needs: [...natsNeeds, ...powerDiskNeeds],
  negativeControls: [{ what: "nats-server's default sync interval", count: 2 }],
  run,
};

async function run({ count, random, folder, nodeArgs, isControl, progress }: Trial): Promise<Finding> {
  using disk = new PowerDisk(folder, diskMiB);
  const syncInterval = isControl ? syncIntervalDefault : "always";
  await using cluster = await NatsCluster.start({ nodes: 3, folder: disk.path, syncInterval });
  // The configurations; of what the nodes are given from here on, nothing is helped to the device.
  disk.sync();
  const historyPath = cluster.address("power");
  await using first = await startServer({ historyPath, nodeArgs });
  await using second = await startServer({ historyPath, nodeArgs });
  const ports = [first.port, second.port];
  // Without this a control loses the whole stream, and nobody is left who could be asked for its lines.
  if (isControl) disk.sync();
  const tally = new Counters();
  const violations: string[] = [];
  {
    await using _ = new Crowd(tally, ports);
    for (let done = 0; done < count && violations.length === 0; done++) {
      await wait(random.between(500, 2000));
      disk.cut();
      await Promise.all(cluster.nodes.map((node) => node.kill()));
      disk.bringBack();
      for (const node of cluster.nodes) node.start();
      try {
        await Promise.all(cluster.nodes.map((node) => node.inStep()));
        for (const port of ports) await answersAgain(port, recoverMsMax);
      } catch (error) {
        violations.push(`after the power came back: ${(error as Error).message}`);
      }
      progress(done + 1);
    }
  }
  if (violations.length === 0) violations.push(...(await judge(cluster, ports, tally)));
  const checked = `${tally.acknowledged.toLocaleString("en")} acknowledged lines of 8 writers at two servers looked for`;
  return { tried: count, checked, violations };
}
