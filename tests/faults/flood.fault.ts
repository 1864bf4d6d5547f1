/** More connections than the server has descriptors for: each is told so, and afterwards all is as before. */

import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { ask, exchange, inTurns } from "../../test-support/tcp-client.ts";

const descriptorsMax = 64;
/** Clients behind the flood, one after the other, among which one is served: a slow machine takes longer for each. */
const clientsMax = 20;
const atOnce = 500;

export const faultTest: FaultTest = {
  promise: "a flood is refused in words, and right behind it all is as before",
  unit: "connections",
  first: 5000,
  full: 50_000,
  isInCi: true,
  needs: ["sh"],
  negativeControls: [{ mutant: "unlimited-connections", count: 1000 }],
  run,
};

async function run({ count, nodeArgs, progress }: Trial): Promise<Finding> {
  const under = ["sh", "-c", `ulimit -n ${descriptorsMax}; exec "$0" "$@"`];
  await using server = await startServer({ nodeArgs, under });
  const whole = await ask(server.port, "brick");
  const violations: string[] = [];
  let served = 0;
  await inTurns(count, atOnce, async (number) => {
    const { text, error } = await exchange(server.port, "brick\n");
    if (text === whole) served += 1;
    else if (!/\nError: .+ try again in a moment\n$/.test(text)) {
      violations.push(`connection ${number} got ${JSON.stringify(text.slice(-80))} (${error ?? "FIN"})`);
    }
    progress(number + 1);
  });
  const clients = await untilNormal(server.port, whole);
  if (clients > clientsMax) violations.push(`none of ${clientsMax} clients was served behind it`);
  const checked = `${atOnce} at once; ${served} served, the others refused in words`;
  return { tried: count, checked, violations, figures: { "served again, client": clients } };
}

/** The number of the first client that is served. */
async function untilNormal(port: number, whole: string): Promise<number> {
  let client = 1;
  while ((await ask(port, "brick")) !== whole && client <= clientsMax) {
    client += 1;
    await wait(10);
  }
  return client;
}
