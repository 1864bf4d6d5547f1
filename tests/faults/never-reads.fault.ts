/** Clients that ask for a long reply and never read it cost no memory, and go. */

import { open } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { descriptorsOf, memoryOf } from "../../test-support/process-figures.ts";
import { addressOf, exchange } from "../../test-support/tcp-client.ts";

const historyMiB = 64;
const rssMiBMax = 256;
/** The limit of 30 s counts from the last byte that the client's kernel took, which is a moment after the request. */
const cutMsMax = 33_000;

export const faultTest: FaultTest = {
  promise: "a client that never reads its 64 MiB is cut after 30 s, and all of them cost less than 256 MB",
  unit: "clients",
  first: 200,
  full: 1000,
  isInCi: false,
  needs: [],
  negativeControls: [{ mutant: "no-server-backpressure", count: 12 }],
  run,
};

async function run({ count, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  await fill(historyPath);
  await using server = await startServer({ historyPath, nodeArgs });
  const atFirst = await descriptorsOf(server.pid);
  const startedMs = performance.now();
  const sockets = Array.from({ length: count }, (_, client) => {
    const localAddress = addressOf(client);
    const socket = connect({ host: "127.0.0.1", port: server.port, localAddress }).pause();
    socket.on("error", () => socket.destroy()).write("brick 2\n");
    return socket;
  });
  let rssMiB = 0;
  let slowestMs = 0;
  let cutMs: number | undefined;
  while (cutMs === undefined && performance.now() - startedMs < cutMsMax + 5000) {
    await wait(100);
    slowestMs = Math.max(slowestMs, (await exchange(server.port, "other\n")).ms);
    rssMiB = Math.max(rssMiB, (await memoryOf(server.pid)).nowMiB);
    const elapsedMs = performance.now() - startedMs;
    progress(Math.min(count, Math.floor(elapsedMs / 1000)));
    // A socket that is closed on our side or lingers may still be counted, so a handful does not matter.
    if (elapsedMs > 5000 && (await descriptorsOf(server.pid)) <= atFirst + 2) cutMs = elapsedMs;
  }
  for (const socket of sockets) socket.destroy();
  const violations: string[] = [];
  if (cutMs === undefined || cutMs > cutMsMax)
    violations.push(`the last was there after ${cutMs?.toFixed(0) ?? "38,000"} ms`);
  if (rssMiB > rssMiBMax) violations.push(`the server took ${rssMiB.toFixed(0)} MiB`);
  const figures = {
    "RSS, MiB": rssMiB.toFixed(0),
    "all cut by, ms": cutMs?.toFixed(0) ?? "never",
    "slowest other, ms": slowestMs.toFixed(0),
  };
  return { tried: count, checked: "memory and descriptors of the server all the time", violations, figures };
}

async function fill(path: string): Promise<void> {
  await using file = await open(path, "w");
  const block = Buffer.from(`${"x".repeat(1023)}\n`.repeat(1024));
  for (let written = 0; written < historyMiB; written++) await file.write(block);
}
