import process from "node:process";
import { importIntoJetStream, openJetStreamHistory, openJetStreamUsers } from "@wirebook/history-jetstream";
import { NatsCluster } from "../test-support/nats-cluster.ts";
import { startServer } from "../test-support/programs.ts";
import { ask } from "../test-support/tcp-client.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { median } from "./harness/compare.ts";

const lines = 1_000_000;
/** Of a history that is brought in with each line synced. */
const syncedLines = 20_000;
const deletes = 21;
const starts = 5;
/** While the lines are brought in; what nats-server does unless it is told otherwise. */
const fillingSyncInterval = "2m";

export const bench: Bench = {
  question: "a history on NATS of 1,000,000 lines: how long a server takes to start, and a delete",
  run,
};

async function run({ say }: BenchOptions): Promise<void> {
  for (const nodes of [1, 3] as const) {
    await using cluster = await NatsCluster.start({ nodes, syncInterval: fillingSyncInterval });
    const address = cluster.address("many");
    const importedMs = await timed(() => importIntoJetStream(address, text(lines)));
    await cluster.restart("always");
    await untilLed(address);
    say(`${lines.toLocaleString("en")} lines, ${nodes === 1 ? "one node" : "three nodes, three copies"}:\n`);
    say(`- the import took ${(importedMs / 1000).toFixed(1)} s, with sync_interval ${fillingSyncInterval}`);
    const syncedMs = await timed(() => importIntoJetStream(cluster.address("synced"), text(syncedLines)));
    say(
      `- with sync_interval always an import of ${syncedLines.toLocaleString("en")} took ${(syncedMs / 1000).toFixed(1)} s`,
    );
    await measureStarts(address, say);
    await measureDeletes(address, say);
    say(
      `- the program has answered its first request ${await timed(() => askFirst(address))} ms after it was started\n`,
    );
  }
}

/** The nodes are ready before the stream has a leader again. */
async function untilLed(address: string): Promise<void> {
  await using _ = await openJetStreamUsers(address);
}

/** From nothing to the last line. The import has left a note behind that spares servers the counting. */
async function measureStarts(address: string, say: BenchOptions["say"]): Promise<void> {
  const firstMs = await timed(() => readLast(address));
  const laterMs: number[] = [];
  for (let at = 0; at < starts; at++) laterMs.push(await timed(() => readLast(address)));
  say(`- the first server to start has its first line after ${firstMs} ms, a later one after ${median(laterMs)} ms`);
}

async function measureDeletes(address: string, say: BenchOptions["say"]): Promise<void> {
  const before = process.memoryUsage().rss;
  const times: number[] = [];
  await using history = await openJetStreamHistory(address);
  const by = { user: "brick", address: "127.0.0.1" };
  const appendedMs = await timed(() => history.append({ address: by.address, message: "brick 2", isCut: false }));
  say(`- the first line that the nodes take after they were started takes ${appendedMs} ms`);
  for (let at = 0; at < deletes; at++) {
    const number = 1 + Math.floor((history.size().lines * at) / deletes);
    times.push(await timed(() => history.deleteLine(by, number)));
  }
  const grownMiB = Math.max(0, process.memoryUsage().rss - before) / 1024 / 1024;
  const longest = Math.max(...times);
  say(`- a delete takes ${median(times)} ms (median of ${deletes}, anywhere), at most ${longest} ms`);
  say(`- the process that did so grew by ${grownMiB.toFixed(0)} MiB`);
}

async function readLast(address: string): Promise<void> {
  await using history = await openJetStreamHistory(address);
  await using snapshot = await history.read({ from: -1 });
  for await (const _ of snapshot.chunks) break;
}

async function askFirst(historyPath: string): Promise<void> {
  await using server = await startServer({ historyPath });
  await ask(server.port, "brick 2 -1");
}

async function* text(count: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at += 1000) {
    const some = Array.from({ length: 1000 }, (_, more) => {
      const time = new Date(Date.UTC(2026, 10, 22) + (at + more) * 10).toISOString().replace("Z", "000Z");
      return `${time} 127.0.0.1 "brick 2 -100"\n`;
    });
    yield Buffer.from(some.join(""));
  }
}

/** Milliseconds, to a tenth. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return Math.round((performance.now() - startedMs) * 10) / 10;
}
