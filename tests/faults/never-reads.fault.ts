/**
 * Clients that ask for a long reply and never read it cost no memory, and go: those of a server (`never-reads`), and those of a
 * gateway that listens for it (`listen-never-reads`) [G-15], which sees the server's reset though it does not read.
 */

import { open } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../test-support/free-port.ts";
import type { Program } from "../../test-support/program.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { descriptorsOf, memoryOf } from "../../test-support/process-figures.ts";
import { addressOf, exchange } from "../../test-support/tcp-client.ts";

const historyMiB = 64;
/**
 * More than the program had before they came. Most of it are reads that V8 has not collected yet, whose number does not
 * depend on that of the clients: 25 at a port cost 137 MiB, 400 183.
 */
const grownMiBMax = 256;
/** The limit of 30 s counts from the last byte that the client's kernel took, which is a moment after the request. */
const cutMsMax = 33_000;

/**
 * A gateway takes a while to fill what it buffers before its server starts to wait, and notices the reset of a server that
 * it does not read only when it probes, each 25 s.
 */
const noticeMsMax = 30_000;

const common = {
  promise: "a client that never reads its 64 MiB is cut after 30 s, and all of them cost less than 256 MiB",
  unit: "clients",
  first: 200,
  full: 1000,
  isInCi: false,
  needs: [],
};

export const faultTests: Readonly<Record<string, FaultTest>> = {
  "never-reads": {
    ...common,
    negativeControls: [{ mutant: "no-server-backpressure", count: 12 }],
    run: (trial) =>
      run(trial, cutMsMax, async (historyPath) => {
        const server = await startServer({ historyPath, nodeArgs: trial.nodeArgs });
        return { program: server, port: server.port };
      }),
  },
  "listen-never-reads": {
    ...common,
    negativeControls: [{ mutant: "no-flow-backpressure", count: 12 }],
    run: (trial) =>
      run(trial, cutMsMax + noticeMsMax, async (historyPath, stack) => {
        const server = stack.use(await startServer({ historyPath }));
        const port = await freePort();
        const options = ["--listen", `${port}=wirebook`, "--watch-memory", "16"];
        return { program: await startGateway({ server: server.address, options, nodeArgs: trial.nodeArgs }), port };
      }),
  },
};

/** Starts what the clients do not read, in front of that history, and says where they connect. */
type Start = (historyPath: string, stack: AsyncDisposableStack) => Promise<{ program: Program; port: number }>;

async function run({ count, folder, progress }: Trial, cutMsMost: number, start: Start): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  await fill(historyPath);
  await using stack = new AsyncDisposableStack();
  const { program, port } = await start(historyPath, stack);
  stack.use(program);
  const atFirst = await descriptorsOf(program.pid);
  const { nowMiB: idleMiB } = await memoryOf(program.pid);
  const startedMs = performance.now();
  const sockets = Array.from({ length: count }, (_, client) => {
    const localAddress = addressOf(client);
    const socket = connect({ host: "127.0.0.1", port, localAddress }).pause();
    socket.on("error", () => socket.destroy()).write("brick 2\n");
    return socket;
  });
  let rssMiB = 0;
  let slowestMs = 0;
  let cutMs: number | undefined;
  while (cutMs === undefined && performance.now() - startedMs < cutMsMost + 5000) {
    await wait(100);
    slowestMs = Math.max(slowestMs, (await exchange(port, "other\n")).ms);
    rssMiB = Math.max(rssMiB, (await memoryOf(program.pid)).nowMiB);
    const elapsedMs = performance.now() - startedMs;
    progress(Math.min(count, Math.floor(elapsedMs / 1000)));
    // A socket that is closed on our side or lingers may still be counted, so a handful does not matter.
    if (elapsedMs > 5000 && (await descriptorsOf(program.pid)) <= atFirst + 2) cutMs = elapsedMs;
  }
  for (const socket of sockets) socket.destroy();
  const violations: string[] = [];
  if (cutMs === undefined || cutMs > cutMsMost)
    violations.push(`the last was there after ${cutMs?.toFixed(0) ?? cutMsMost + 5000} ms`);
  const grownMiB = rssMiB - idleMiB;
  if (grownMiB > grownMiBMax) violations.push(`the program took ${grownMiB.toFixed(0)} MiB more`);
  const figures = {
    "RSS, MiB": rssMiB.toFixed(0),
    "of it for them, MiB": grownMiB.toFixed(0),
    "all cut by, ms": cutMs?.toFixed(0) ?? "never",
    "slowest other, ms": slowestMs.toFixed(0),
  };
  return { tried: count, checked: "memory and descriptors of the program all the time", violations, figures };
}

async function fill(path: string): Promise<void> {
  await using file = await open(path, "w");
  const block = Buffer.from(`${"x".repeat(1023)}\n`.repeat(1024));
  for (let written = 0; written < historyMiB; written++) await file.write(block);
}
