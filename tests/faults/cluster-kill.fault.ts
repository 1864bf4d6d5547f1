/** kill -9 of one, two or all three nodes of a cluster, under two servers and their writers. */

import { setTimeout as wait } from "node:timers/promises";
import { NatsCluster } from "../../test-support/nats-cluster.ts";
import { startServer } from "../../test-support/programs.ts";
import { Crowd, answersAgain } from "./cluster/crowd.ts";
import { natsNeeds } from "./cluster/needs.ts";
import { Counters } from "./cluster/tally.ts";
import { judge } from "./cluster/verdict.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

/** Milliseconds for which nodes are gone: in a control, longer than a line is tried again. */
const goneMs = 1000;
const goneLongMs = 12_000;
const recoverMsMax = 30_000;

export const faultTest: FaultTest = {
  promise: "kill -9 of any nodes loses no acknowledged line and doubles none, and all copies are the same",
  unit: "kills of one, two or three nodes",
  first: 10,
  full: 500,
  isInCi: false,
  needs: natsNeeds,
  negativeControls: [{ mutant: "early-cluster-acknowledgement", count: 1 }],
  run,
};

async function run({ count, random, folder, nodeArgs, isControl, progress }: Trial): Promise<Finding> {
  await using cluster = await NatsCluster.start({ nodes: 3, folder });
  const historyPath = cluster.address("kill");
  await using first = await startServer({ historyPath, nodeArgs });
  await using second = await startServer({ historyPath, nodeArgs });
  const ports = [first.port, second.port];
  const tally = new Counters();
  const recoveriesMs: number[] = [];
  {
    await using _ = new Crowd(tally, ports);
    for (let done = 0; done < count; done++) {
      await wait(random.between(200, 800));
      const victims = isControl ? 3 : random.between(1, 3);
      const from = random.below(3);
      const nodes = cluster.nodes.filter((_node, at) => (at - from + 3) % 3 < victims);
      await Promise.all(nodes.map((node) => node.kill()));
      await wait(isControl ? goneLongMs : goneMs);
      for (const node of nodes) node.start();
      await Promise.all(nodes.map((node) => node.inStep()));
      for (const port of ports) recoveriesMs.push(await answersAgain(port, recoverMsMax));
      progress(done + 1);
    }
  }
  const violations = await judge(cluster, ports, tally);
  return {
    tried: count,
    checked: `${tally.acknowledged.toLocaleString("en")} acknowledged lines of 8 writers at two servers looked for`,
    violations,
    figures: { "longest recovery, s": (Math.max(...recoveriesMs) / 1000).toFixed(1) },
  };
}
