/** Resets at every phase of an exchange, from the server's side and from the page's. */

import { once } from "node:events";
import { startGateway } from "../../test-support/programs.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";
import { descriptorsOf } from "../../test-support/process-figures.ts";
import { PageClient } from "../../test-support/page-client.ts";
import type { Random } from "../../test-support/random.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const atOnce = 16;
const replyBytesMax = 200_000;
/** A message has at least a byte: the server that resets at the first byte would wait for it for ever. */
const messageBytesMax = 2000;
/** Of descriptors more than at the start, when all is over: a connection that /readyz or Node still holds. */
const descriptorsSlack = 2;

export const faultTest: FaultTest = {
  promise: "a reset of either side at any time ends each exchange once, ends no gateway and leaks nothing",
  unit: "resets",
  first: 2000,
  full: 50_000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "no-exchange-error-listener", count: 100 }],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startResetting(random);
  await using gateway = await startGateway({ server: server.address, nodeArgs });
  const { pid } = gateway;
  const before = await descriptorsOf(pid);
  const violations: string[] = [];
  let done = 0;
  while (done < count && failuresOf(gateway).length === 0) {
    try {
      done += await onePage(gateway.address, Math.min(atOnce, count - done), random, violations);
    } catch (error) {
      if (failuresOf(gateway).length === 0) violations.push(`a page was not served: ${String(error)}`);
    }
    progress(done);
  }
  violations.push(...failuresOf(gateway));
  const isBack = await becomes(async () => (await descriptorsOf(pid)) <= before + descriptorsSlack);
  if (!isBack) violations.push(`${await descriptorsOf(pid)} descriptors are open, ${before} were at the start`);
  return { tried: done, checked: `descriptors back to ${before}`, violations };
}

/** Starts some exchanges; in a third of the cases the page goes away in the middle of them. */
async function onePage(address: string, exchanges: number, random: Random, violations: string[]): Promise<number> {
  using page = await PageClient.open(address);
  const answers = Array.from({ length: exchanges }, () => page.raw(random.bytes(1 + random.below(messageBytesMax))));
  if (random.chance(0.33)) {
    const settled = Promise.allSettled(answers);
    // A gateway that is broken may end before it says anything.
    if (random.chance(0.5)) await Promise.race([once(page.socket, "message"), once(page.socket, "close")]);
    page.socket.terminate();
    await settled;
    return exchanges;
  }
  for (const { last } of await Promise.all(answers)) {
    const isTold = last.type === "end" || last.code === "connection-reset" || last.code === "connect-failed";
    if (!isTold) violations.push(`a reset was told as ${JSON.stringify(last)}`);
  }
  violations.push(...page.unexpected);
  return exchanges;
}

/** A server that resets, some time between the connection and the end of its reply; one time in four it does not. */
function startResetting(random: Random): Promise<TestServer> {
  return TestServer.listen((socket) => {
    const reply = Buffer.alloc(random.below(replyBytesMax), "w");
    switch (random.below(4)) {
      case 0:
        return socket.resetAndDestroy();
      case 1:
        return socket.once("data", () => socket.resetAndDestroy());
      case 2:
        return socket.write(reply, () => socket.resetAndDestroy());
      default:
        return socket.resume().end(reply);
    }
  });
}
