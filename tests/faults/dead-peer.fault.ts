/** Clients whose machine vanishes without a word: a network namespace whose link goes down [G-10]. */

import { fileURLToPath } from "node:url";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { startPrinting } from "../../test-support/foreign-program.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import { Network, networkNeeds } from "./network/network.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";
import { socketsOf } from "../../test-support/process-figures.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const goneMsMax = 60_000;
const origin = "http://page.example";

export const faultTest: FaultTest = {
  promise: "clients that vanish are dropped within a minute, and with them their connections to the targets",
  unit: "pages with a follow, a conversation or a stalled one, and relays",
  first: 200,
  full: 1000,
  // It takes the minute of its promise, twice.
  isInCi: false,
  needs: networkNeeds,
  negativeControls: [{ mutant: "no-heartbeat", count: 20 }],
  run,
};

async function run({ count, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer();
  using network = new Network(1);
  await using mirror = await TestServer.listen((socket) => socket.pipe(socket));
  await using deaf = await TestServer.listen((socket) => socket.pause());
  const targets = [`mirror=tcp://${mirror.address}`, `deaf=tcp://${deaf.address}`].flatMap((url) => ["--target", url]);
  const options = ["--host", network.ownHost, "--origin", origin, "--auth", "none", "--relay", ...targets];
  await using gateway = await startGateway({ server: server.address, connections: count, options, nodeArgs });
  const { pid } = gateway;
  const [gatewayBefore, serverBefore] = [await socketsOf(pid), await socketsOf(server.pid)];
  const [command = "", ...words] = network.under(0);
  const program = fileURLToPath(new URL("network/far-pages.ts", import.meta.url));
  const args = [...words, process.execPath, program, `${network.ownHost}:${gateway.port}`, origin, `${count}`];
  await using _ = await startPrinting(command, args);
  network.unplug(0);
  const startMs = performance.now();
  const isGone = (): boolean => {
    const closed = gateway.stdout.filter((line) => line.includes('"outcome":"closed')).length;
    progress(closed);
    return closed >= count;
  };
  const violations = [...failuresOf(gateway)];
  const areAllGone = await becomes(isGone, goneMsMax);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  if (!areAllGone) violations.push(`clients are still there after ${seconds} s`);
  // A relay's target gets FIN and answers it, which takes a moment.
  if (!(await becomes(() => mirror.sockets.size === 0, goneMsMax - (performance.now() - startMs))))
    violations.push(`${mirror.sockets.size} connections to the mirror are open`);
  for (const [name, process, before] of [
    ["gateway", pid, gatewayBefore],
    ["server", server.pid, serverBefore],
  ] as const) {
    const isBack = async (): Promise<boolean> => (await socketsOf(process)) <= before;
    if (!(await becomes(isBack, goneMsMax - (performance.now() - startMs))))
      violations.push(`the ${name} still has their connections open`);
  }
  return {
    tried: count,
    checked: "WebSockets and TCP connections of all sides counted",
    violations,
    figures: { seconds },
  };
}
