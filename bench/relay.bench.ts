import { setTimeout as wait } from "node:timers/promises";
import { startPrinting } from "../test-support/foreign-program.ts";
import { sharedMemoryOf } from "../test-support/process-figures.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { fillCompileCache } from "./harness/bridges.ts";
import { compare, encodeTable } from "./harness/compare.ts";
import { compile } from "./harness/compile.ts";
import { barePipe, loadRelay, startStreamServer, websockify, wirebookRelay } from "./harness/relays.ts";
import type { Relay, RelayWork } from "./harness/relays.ts";

const streamBytes = 1024 * 1024 * 1024;
const idleCount = 1000;
/** A process for each connection: as many as fit, and a thousand take ten times as much. */
const idleCountOfProcesses = 100;
/** Milliseconds after which processes that only hold connections have put themselves in order. */
const settleMs = 3000;

export const bench: Bench = {
  question: "bytes through the gateway's relay against a bare pipe of `ws` and `net`, and against websockify",
  run,
};

async function run(options: BenchOptions): Promise<void> {
  await fillCompileCache();
  await compareWork("1 GiB down", "MiB a second", { kind: "down", bytes: streamBytes }, options);
  await compareWork("1 GiB up", "MiB a second", { kind: "up", bytes: streamBytes }, options);
  for (const connections of [1, 64]) {
    const title = `64 bytes there and back, on ${connections === 1 ? "1 connection" : `${connections} connections`}`;
    await compareWork(title, "round trips a second", { kind: "trips", connections, seconds: options.seconds }, options);
  }
  await compareIdle(options);
}

async function compareWork(title: string, unit: string, work: RelayWork, { rounds, say }: BenchOptions): Promise<void> {
  await using server = await startStreamServer(streamBytes);
  const { port } = server;
  const compared = await compare({
    baseline: barePipe(port),
    contenders: [wirebookRelay(port), ...websockify(port, say)],
    rounds,
    measure: async (running, relay) => {
      const { bytes, seconds, perSecond } = await loadRelay(relay, running.port, work);
      return work.kind === "trips" ? perSecond : bytes / seconds / 2 ** 20;
    },
  });
  say(encodeTable(title, unit, compared));
}

/** The memory of many relays on which nothing happens, of all processes that hold them. */
async function compareIdle({ say }: BenchOptions): Promise<void> {
  await using server = await startStreamServer(streamBytes);
  const { port } = server;
  const relays = [barePipe(port), wirebookRelay(port, idleCount), ...websockify(port, say)];
  say(`| idle relays | how many | MiB before | MiB with them | KiB each |\n| --- | --- | --- | --- | --- |`);
  for (const relay of relays) {
    const count = relay.name === "websockify" ? idleCountOfProcesses : idleCount;
    const { before, held } = await holdIdle(relay, count);
    const each = ((held - before) / count) * 1024;
    say(`| ${relay.name} | ${count} | ${before.toFixed(0)} | ${held.toFixed(0)} | ${each.toFixed(0)} |`);
  }
  say("");
}

async function holdIdle(relay: Relay, count: number): Promise<{ readonly before: number; readonly held: number }> {
  await using program = await relay.open();
  const { pid } = program;
  const before = await sharedMemoryOf(pid);
  const args = ["idle", String(program.port), String(count), relay.path, "binary"];
  await using _ = await startPrinting(compile("bench/load/load.c"), args);
  await wait(settleMs);
  return { before, held: await sharedMemoryOf(pid) };
}
