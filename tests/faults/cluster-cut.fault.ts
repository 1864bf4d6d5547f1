/** Networks that come apart, also one way only: a minority acknowledges nothing, and the rest goes on. */

import { setTimeout as wait } from "node:timers/promises";
import { NatsCluster } from "../../test-support/nats-cluster.ts";
import { startServer } from "../../test-support/programs.ts";
import { ClusterWriters, answersAgain, isAcknowledged } from "./cluster/cluster-writers.ts";
import { Network, networkNeeds } from "./network/network.ts";
import { Acknowledgements, findViolations } from "./cluster/consistency.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { ask } from "../../test-support/tcp-client.ts";

const cutMs = 12_000;
const healMsMax = 30_000;
/** Milliseconds until a cut has its effect: what was on its way before may still be acknowledged. */
const settleMs = 1000;

export const faultTest: FaultTest = {
  promise:
    "a node that is cut off acknowledges nothing, the others go on, and all is well 30 s after the cut is healed",
  unit: "cuts of a network",
  first: 5,
  full: 200,
  isInCi: false,
  needs: ["nats-server", ...networkNeeds],
  negativeControls: [{ mutant: "early-cluster-acknowledgement", count: 1 }],
  run,
};

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  using network = new Network(3);
  const under = (node: number): readonly string[] => network.under(node);
  await using cluster = await NatsCluster.start({ nodes: 3, folder, hosts: network.hosts, under });
  const [lonelyNode] = cluster.nodes;
  // One server knows only the node that will be alone; the other one knows all three.
  const alone = `nats://${lonelyNode?.host}:${lonelyNode?.ports.client}/cut?replicas=3`;
  await using many = await startServer({ historyPath: cluster.address("cut"), nodeArgs });
  await using lonely = await startServer({ historyPath: alone, nodeArgs });
  const ports = [many.port, lonely.port];
  const acknowledgements = new Acknowledgements();
  const violations: string[] = [];
  const healingsMs: number[] = [];
  {
    await using _ = new ClusterWriters(acknowledgements, ports);
    for (let done = 0; done < count; done++) {
      const isOneWay = random.chance(0.5);
      for (const other of [1, 2]) {
        network.cut(0, other);
        if (!isOneWay) network.cut(other, 0);
      }
      await wait(settleMs);
      violations.push(...(await watchCut(lonely.port, many.port)));
      network.heal();
      for (const port of ports) healingsMs.push(await answersAgain(port, healMsMax));
      progress(done + 1);
    }
  }
  violations.push(...(await findViolations(cluster, ports, acknowledgements)));
  return {
    tried: count,
    checked: `8 writers at two servers; ${acknowledgements.checked}`,
    violations,
    figures: { "longest healing, s": (Math.max(...healingsMs) / 1000).toFixed(1) },
  };
}

/** While the network is cut: asks both sides. */
async function watchCut(lonely: number, many: number): Promise<string[]> {
  const violations: string[] = [];
  const endMs = performance.now() + cutMs;
  let goneOn = 0;
  await Promise.all([
    (async () => {
      while (performance.now() < endMs) {
        const reply = await ask(lonely, "probe");
        if (isAcknowledged(reply) && performance.now() < endMs)
          violations.push("the side that was cut off acknowledged");
      }
    })(),
    (async () => {
      while (performance.now() < endMs) if (isAcknowledged(await ask(many, "probe"))) goneOn += 1;
    })(),
  ]);
  if (goneOn === 0) violations.push(`the majority acknowledged nothing in ${cutMs} ms`);
  return violations;
}
