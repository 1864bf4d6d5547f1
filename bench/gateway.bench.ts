import { setTimeout as wait } from "node:timers/promises";
import { startPrinting } from "../test-support/foreign-program.ts";
import type { Program } from "../test-support/program.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import {
  bareRelay,
  debianBridges,
  direct,
  fillCompileCache,
  startFixedServer,
  wirebook,
  wispServer,
} from "./harness/bridges.ts";
import type { Bridge } from "./harness/bridges.ts";
import { compare, encodeTable } from "./harness/compare.ts";
import type { Compared } from "./harness/compare.ts";
import { compile } from "./harness/compile.ts";
import type { LoadFigures } from "./harness/load.ts";
import { resetPeak, memoryOf } from "../test-support/process-figures.ts";

const message = "brick\n";
const replyBytes = 350;
const largeReplyBytes = 100 * 1024 * 1024;
const idleCount = 5000;
/** Milliseconds after which a process that only holds WebSockets has put itself in order. */
const settleMs = 3000;

export const bench: Bench = {
  question: "exchanges through the gateway against the same load on TCP itself, and against other bridges",
  run,
};

async function run(options: BenchOptions): Promise<void> {
  await fillCompileCache();
  await compareExchanges(options);
  await compareLargeReplies(options);
  await compareIdle(options);
}

/** Many at once and one at a time, with a reply of the size of Wirebook's own header. */
async function compareExchanges(options: BenchOptions): Promise<void> {
  await using server = await startFixedServer(replyBytes);
  const { port } = server;
  const bridges = [bareRelay(port), wirebook(port), await wispServer(port), ...debianBridges(port, options.say)];
  const compareAt = (connections: number, figure: (figures: LoadFigures) => number): Promise<Compared[]> =>
    measure(options, direct(port), bridges, connections, figure);
  const many = await compareAt(64, ({ perSecond }) => perSecond);
  options.say(encodeTable("64 at once", "exchanges a second", many));
  const some = await compareAt(8, ({ perSecond }) => perSecond);
  options.say(encodeTable("8 at once", "exchanges a second", some));
  const one = await compareAt(1, ({ p50Us }) => 1e6 / p50Us);
  options.say(encodeTable("1 at a time", "1 s / median time of an exchange", one));
}

async function compareLargeReplies(options: BenchOptions): Promise<void> {
  await using server = await startFixedServer(largeReplyBytes);
  const { port } = server;
  const bridges = [bareRelay(port), wirebook(port), await wispServer(port)];
  const compared = await measure(options, direct(port), bridges, 1, mebibytesPerSecond);
  options.say(encodeTable("a reply of 100 MiB", "MiB a second", compared));
  await watchMemory(wirebook(port), options);
}

function mebibytesPerSecond({ bytes, seconds }: LoadFigures): number {
  return bytes / seconds / 2 ** 20;
}

function measure(
  { rounds, seconds }: BenchOptions,
  baseline: Bridge,
  contenders: readonly Bridge[],
  connections: number,
  figure: (figures: LoadFigures) => number,
): Promise<Compared[]> {
  return compare({
    baseline,
    contenders,
    rounds,
    measure: async ({ port }, bridge) => figure(await bridge.load({ port, connections, seconds, message })),
  });
}

/** What a gateway needs while large replies pass through it, once it has seen some. */
async function watchMemory(bridge: Bridge, { say, seconds }: BenchOptions): Promise<void> {
  await using program = (await bridge.open()) as Program;
  const pid = program.pid as number;
  const carry = async (): Promise<number> => {
    await resetPeak(pid);
    await bridge.load({ port: program.port, connections: 1, seconds, message });
    return (await memoryOf(pid)).peakMiB;
  };
  const peaks = [await carry(), await carry(), await carry()].map((peakMiB) => peakMiB.toFixed(0));
  say(`${bridge.name}'s memory at most, in three runs of ${seconds} s one after the other: ${peaks.join(", ")} MiB\n`);
}

/** The memory of many WebSockets on which nothing happens. */
async function compareIdle({ say }: BenchOptions): Promise<void> {
  await using server = await startFixedServer(replyBytes);
  const bare = await holdIdle(bareRelay(server.port), ["/"]);
  const gateway = await holdIdle(wirebook(server.port), ["/ws", "wirebook.v2"]);
  const row = (name: string, { before, held }: Held): string =>
    `| ${name} | ${before.toFixed(0)} | ${held.toFixed(0)} | ${(held / bare.held).toFixed(2)} |`;
  say(`| ${idleCount} idle WebSockets | MiB before | MiB with them | ratio |\n| --- | --- | --- | --- |`);
  say(`${row("bare `ws` relay", bare)}\n${row("Wirebook", gateway)}\n`);
}

interface Held {
  readonly before: number;
  readonly held: number;
}

async function holdIdle(bridge: Bridge, words: readonly string[]): Promise<Held> {
  await using program = (await bridge.open()) as Program;
  const pid = program.pid as number;
  const before = await memoryOf(pid);
  const args = ["idle", String(program.port), String(idleCount), ...words];
  await using _ = await startPrinting(compile("bench/load/load.c"), args);
  await wait(settleMs);
  return { before: before.nowMiB, held: (await memoryOf(pid)).nowMiB };
}
