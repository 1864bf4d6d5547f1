/** Clients that send a byte now and then cannot hold the server. */

import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { addressOf, exchange } from "../../test-support/tcp-client.ts";

const cutMsMax = 11_000;
const othersP99MsMax = 100;
const dribbleMs = 1000;
/** Between two dribblers, so that what is measured is their staying and not their coming. */
const arrivalMs = 2;

export const faultTest: FaultTest = {
  promise: "a client that dribbles is cut by 11 s, and others are served within 100 ms meanwhile (p99)",
  unit: "dribblers",
  first: 1000,
  full: 5000,
  isInCi: false,
  needs: [],
  negativeControls: [{ mutant: "sliding-deadline", count: 20 }],
  run,
};

async function run({ count, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer({ nodeArgs });
  const stop = new AbortController();
  const others = serveOthers(server.port, stop.signal);
  let cut = 0;
  const lastedMs = await Promise.all(
    Array.from({ length: count }, async (_, client) => {
      await wait(client * arrivalMs);
      const ms = await dribble(server.port, addressOf(client));
      progress(++cut);
      return ms;
    }),
  );
  stop.abort();
  const waits = (await others).toSorted((one, other) => one - other);
  const p99Ms = waits[Math.floor(waits.length * 0.99)] ?? Infinity;
  const violations = lastedMs
    .filter((ms) => ms > cutMsMax)
    .map((ms) => `a dribbler was there after ${ms.toFixed(0)} ms`);
  if (p99Ms > othersP99MsMax) violations.push(`the p99 of others was ${p99Ms.toFixed(0)} ms`);
  const figures = { "longest, ms": Math.max(...lastedMs).toFixed(0), "p99 of others, ms": p99Ms.toFixed(1) };
  return { tried: count, checked: `each cut by 11 s, ${waits.length} requests of others`, violations, figures };
}

/** How long the server bore with a client that sends one byte after another. */
async function dribble(port: number, address: string): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const { ms } = await exchange(
    port,
    (socket) => {
      // Silence never ends a message that deletes, so this one lasts as long as it is let.
      socket.write("brick 1 ");
      timer = setInterval(() => socket.write("1"), dribbleMs);
      // A server that never cuts is found out by now.
      setTimeout(() => socket.destroy(), cutMsMax + 2000).unref();
    },
    { from: address },
  );
  clearInterval(timer);
  return ms;
}

async function serveOthers(port: number, signal: AbortSignal): Promise<number[]> {
  const waits: number[] = [];
  while (!signal.aborted) {
    waits.push((await exchange(port, "other\n")).ms);
    await wait(10);
  }
  return waits;
}
