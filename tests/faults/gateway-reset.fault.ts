/** Resets at every phase of an exchange, from the server's side and from the page's. */

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { startGateway } from "../../test-support/programs.ts";
import { ailments, becomes, descriptorsOf } from "../../bench/harness/gateway-health.ts";
import { GatewayPage } from "../../bench/harness/gateway-page.ts";
import type { Random } from "../../bench/harness/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const atOnce = 16;
const replyBytesMax = 200_000;
/** A message has at least a byte: the server that resets at the first byte would wait for it for ever. */
const messageBytesMax = 2000;
/** Of descriptors more than at the start, when all is over: a connection that /readyz or Node still holds. */
const descriptorsSlack = 2;

export const faultTest: FaultTest = {
  promise: "whoever resets a connection, and when: each exchange ends once, nothing ends the gateway, nothing leaks",
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
  await using gateway = await startGateway({ server: `127.0.0.1:${server.port}`, nodeArgs });
  const pid = gateway.pid as number;
  const before = await descriptorsOf(pid);
  const violations: string[] = [];
  let done = 0;
  while (done < count && ailments(gateway, pid).length === 0) {
    try {
      done += await onePage(gateway.port, Math.min(atOnce, count - done), random, violations);
    } catch (error) {
      if (ailments(gateway, pid).length === 0) violations.push(`a page was not served: ${String(error)}`);
    }
    progress(done);
  }
  violations.push(...ailments(gateway, pid));
  const isBack = await becomes(async () => (await descriptorsOf(pid)) <= before + descriptorsSlack);
  if (!isBack) violations.push(`${await descriptorsOf(pid)} descriptors are open, ${before} were at the start`);
  return { tried: done, checked: `descriptors back to ${before}`, violations };
}

/** Begins some exchanges; in a third of the cases the page itself goes in the middle of them. */
async function onePage(port: number, exchanges: number, random: Random, violations: string[]): Promise<number> {
  using page = await GatewayPage.open(port);
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
  violations.push(...page.oddities);
  return exchanges;
}

/** A server that resets, some time between the connection and the end of its reply; one time in four it does not. */
async function startResetting(random: Random): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    // Best effort: those at the other end go as they like, too.
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
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
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
