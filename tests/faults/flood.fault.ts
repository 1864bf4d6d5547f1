/**
 * More connections than a program has descriptors for: a server tells each of them so (`flood`); a gateway that listens for one
 * has no words of its own there, and resets those that it cannot serve (`listen-flood`) [G-15]. Afterwards all is as before.
 */

import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../test-support/free-port.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import type { Program } from "../../test-support/program.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { ask, exchange, inTurns } from "../../test-support/tcp-client.ts";

const descriptorsMax = 64;
/** Clients behind the flood, one after the other, among which one is served: a slow machine takes longer for each. */
const clientsMax = 20;
const atOnce = 500;

const common = { unit: "connections", first: 5000, full: 50_000, isInCi: true, needs: ["sh"] };

export const faultTests: Readonly<Record<string, FaultTest>> = {
  flood: {
    ...common,
    promise: "a flood is refused in words, and right behind it all is as before",
    negativeControls: [{ mutant: "unlimited-connections", count: 1000 }],
    run: (trial) =>
      run(trial, /\nError: .+ try again in a moment\n$/, async () => {
        const server = await startServer({ nodeArgs: trial.nodeArgs, under });
        return { program: server, port: server.port };
      }),
  },
  "listen-flood": {
    ...common,
    promise: "a flood through a listening port is served or reset, and right behind it all is as before",
    ci: 1000,
    negativeControls: [{ mutant: "ignored-target-errors", count: 1000 }],
    run: (trial) =>
      run(trial, /^$/, async (stack) => {
        const server = stack.use(await startServer());
        const port = await freePort();
        const options = ["--listen", `${port}=wirebook`];
        const place = { server: server.address, options, nodeArgs: trial.nodeArgs };
        return { program: await startGateway({ ...place, under }), port };
      }),
  },
};

const under = ["sh", "-c", `ulimit -n ${descriptorsMax}; exec "$0" "$@"`];

/** Starts what is flooded, and says where. */
type Start = (stack: AsyncDisposableStack) => Promise<{ program: Program; port: number }>;

/** @param refusal what a connection gets that is not served */
async function run({ count, progress }: Trial, refusal: RegExp, start: Start): Promise<Finding> {
  await using stack = new AsyncDisposableStack();
  const { program, port } = await start(stack);
  stack.use(program);
  const whole = await ask(port, "brick");
  const violations: string[] = [];
  let served = 0;
  await inTurns(count, atOnce, async (number) => {
    const { text, error } = await exchange(port, "brick\n");
    if (text === whole) served += 1;
    else if (!refusal.test(text)) {
      violations.push(`connection ${number} got ${JSON.stringify(text.slice(-80))} (${error ?? "FIN"})`);
    }
    progress(number + 1);
  });
  const clients = await untilNormal(port, whole);
  if (clients > clientsMax) violations.push(`none of ${clientsMax} clients was served behind it`);
  const checked = `${atOnce} at once; ${served} served, the others refused`;
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
