/**
 * FIN before the reply, and bytes behind the message: neither may cost a client any of its reply, whether it speaks TCP
 * to the server (`half-close`) or is a page of the gateway (`gateway-half-close`) [G-6].
 */

import { PageClient, textOf } from "../../test-support/page-client.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { exchange, inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const atOnce = 16;
const message = Buffer.from("brick\n");

/** Sends the message and a surplus; returns what came until the server's FIN, and why the connection broke. */
type Send = (surplus: Uint8Array, endsEarly: boolean) => Promise<string>;

const common = {
  promise: "a client that closes its half early, or sends more than its message, gets its whole reply",
  unit: "exchanges",
  ci: 300,
  full: 50_000,
  isInCi: true,
  needs: [],
};

export const faultTests: Readonly<Record<string, FaultTest>> = {
  "half-close": {
    ...common,
    first: 1000,
    negativeControls: [{ mutant: "no-half-open", count: 100 }],
    run: (trial) => run(trial, 256 * 1024, openTcp),
  },
  "gateway-half-close": {
    ...common,
    first: 2000,
    negativeControls: [{ mutant: "no-half-close", count: 50 }],
    run: (trial) => run(trial, 8000, openGateway),
  },
};

async function run(
  { count, random, nodeArgs, progress }: Trial,
  surplusBytesMax: number,
  open: (stack: AsyncDisposableStack, nodeArgs: readonly string[]) => Promise<Send>,
): Promise<Finding> {
  await using stack = new AsyncDisposableStack();
  const send = await open(stack, nodeArgs);
  const whole = await send(new Uint8Array(0), false);
  const violations: string[] = [];
  await inTurns(count, atOnce, async (number) => {
    const surplus = random.chance(0.5) ? random.bytes(random.below(surplusBytesMax)) : new Uint8Array(0);
    const endsEarly = random.chance(0.7) || surplus.length === 0;
    const reply = await send(surplus, endsEarly);
    const manner = `${surplus.length} bytes behind the message, FIN ${endsEarly ? "at once" : "after the reply"}`;
    if (reply !== whole) violations.push(`with ${manner} came ${JSON.stringify(reply.slice(-120))}`);
    progress(number);
  });
  return { tried: count, checked: "each reply compared with an undisturbed one", violations };
}

async function openTcp(stack: AsyncDisposableStack, nodeArgs: readonly string[]): Promise<Send> {
  const { port } = stack.use(await startServer({ nodeArgs }));
  return async (surplus, endsEarly) => {
    const { text, error } = await exchange(port, (socket) => {
      socket.write(message);
      socket.write(surplus);
      if (endsEarly) socket.end();
    });
    return error === undefined ? text : `${text}(${error})`;
  };
}

/** A surplus goes in the message's frame when its length is even, and in a frame of its own otherwise. */
async function openGateway(stack: AsyncDisposableStack, nodeArgs: readonly string[]): Promise<Send> {
  const server = stack.use(await startServer());
  const gateway = stack.use(await startGateway({ server: server.address, nodeArgs }));
  const page = stack.use(await PageClient.open(gateway.address));
  return async (surplus, isEnded) => {
    const isOneFrame = surplus.length % 2 === 0;
    const first = isOneFrame ? Buffer.concat([message, surplus]) : message;
    const answer = await page.raw(first, { more: isOneFrame ? [] : [surplus], isEnded });
    return answer.last.type === "end" && answer.last.reason !== "fin" ? `(${answer.last.reason})` : textOf(answer);
  };
}
