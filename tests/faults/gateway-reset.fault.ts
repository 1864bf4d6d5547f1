/** Resets at every phase, from the target's side and from that of the page or of a client of the relay. */

import { once } from "node:events";
import { startGateway } from "../../test-support/programs.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";
import { descriptorsOf } from "../../test-support/process-figures.ts";
import type { Program } from "../../test-support/program.ts";
import { PageClient } from "../../test-support/page-client.ts";
import type { Random } from "../../test-support/random.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import { openChannel } from "./network/channels.ts";
import type { Way } from "./network/channels.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const atOnce = 16;
const replyBytesMax = 200_000;
/** A message has at least a byte: the server that resets at the first byte would wait for it for ever. */
const messageBytesMax = 2000;
/** Of descriptors more than at the start, when all is over: a connection that /readyz or Node still holds. */
const descriptorsSlack = 2;

/** How a connection may end here. */
const told: ReadonlySet<string> = new Set(["fin", "cancelled", "connection-reset", "connect-failed"]);

const common: Omit<FaultTest, "first" | "run"> = {
  promise: "a reset of either side at any time ends each connection once, ends no gateway and leaks nothing",
  unit: "resets",
  full: 50_000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "no-connection-error-listener", count: 100 }],
};

export const faultTests: Readonly<Record<string, FaultTest>> = {
  "gateway-reset": { ...common, first: 2000, run: (trial) => run(trial, "conversation") },
  "relay-reset": { ...common, first: 500, run: (trial) => run(trial, "relay") },
};

async function run({ count, random, nodeArgs, progress }: Trial, way: Way): Promise<Finding> {
  await using server = await startResetting(random);
  await using gateway = await startGateway({ server: server.address, options: ["--relay"], nodeArgs });
  const { pid } = gateway;
  const before = await descriptorsOf(pid);
  const violations: string[] = [];
  let done = 0;
  while (done < count && failuresOf(gateway).length === 0) {
    try {
      done += await onePage(gateway, way, { count: Math.min(atOnce, count - done), random }, violations);
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

/** Starts some connections; in a third of the cases the page, or the relay's clients, go away in the middle of them. */
async function onePage(
  gateway: Program,
  way: Way,
  { count, random }: { count: number; random: Random },
  violations: string[],
): Promise<number> {
  using page = await PageClient.open(gateway.address);
  const place = { page, address: gateway.address, target: "wirebook" };
  const isLeft = random.chance(0.33);
  const talk = async (): Promise<void> => {
    const bytes = random.bytes(1 + random.below(messageBytesMax));
    const isReset = random.chance(0.2);
    const { promise: heard, resolve: hear } = Promise.withResolvers<void>();
    const channel = await openChannel(way, place, { onRead: () => hear() });
    await channel.send(bytes);
    if (isLeft || isReset) {
      // A server may reset before it says anything.
      if (random.chance(0.5)) await Promise.race([heard, channel.over.catch(() => undefined)]);
      channel.leave();
    }
    const over = channel.over.then(({ how }) => how);
    const how = await (isLeft ? over.catch(() => "cancelled") : over);
    if (!told.has(how)) violations.push(`a reset was told as ${how}`);
  };
  const talks = Array.from({ length: count }, talk);
  if (isLeft && way === "conversation") {
    if (random.chance(0.5)) await Promise.race([once(page.socket, "message"), once(page.socket, "close")]);
    page.socket.terminate();
  }
  await Promise.all(talks);
  violations.push(...page.unexpected);
  return count;
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
