import process from "node:process";
import { fileURLToPath } from "node:url";
import { startPrinting } from "../test-support/foreign-program.ts";
import { startGateway, startServer } from "../test-support/programs.ts";
import { ask } from "../test-support/tcp-client.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { median } from "./harness/compare.ts";
import { cpuSecondsOf } from "../test-support/process-figures.ts";

/** Fewer than a server takes from one address, so that the writers have room. */
const pages = 480;
/** Lines that are written at once; the next ones follow when all pages have these. */
const atOnce = [1, 16] as const;

export const bench: Bench = {
  question: `${pages} pages that follow one history through one gateway: how many lines reach them`,
  run,
};

interface Delivered {
  readonly lines: number;
  readonly gateway: number;
  readonly server: number;
}

async function run({ rounds, seconds, say }: BenchOptions): Promise<void> {
  say(
    "| lines at once | lines a second | deliveries a second | CPU of the gateway | of the server |\n| --- | --- | --- | --- | --- |",
  );
  for (const each of atOnce) {
    const all: Delivered[] = [];
    for (let round = 0; round < rounds; round++) all.push(await deliver(each, seconds));
    const [lines = 0, gateway = 0, server = 0] = (["lines", "gateway", "server"] as const).map((what) =>
      median(all.map((one) => one[what])),
    );
    const rates = [lines, lines * pages].map((rate) => Math.round(rate).toLocaleString("en"));
    say(`| ${[each, ...rates, gateway.toFixed(2), server.toFixed(2)].join(" | ")} |`);
  }
  say("");
}

async function deliver(atOnceEach: number, seconds: number): Promise<Delivered> {
  await using server = await startServer();
  await using gateway = await startGateway({ server: server.address, connections: pages });
  const program = fileURLToPath(new URL("harness/counting-pages.ts", import.meta.url));
  const words = [program, gateway.port, pages, pages * atOnceEach].map(String);
  await using follower = await startPrinting(process.execPath, words);
  const pids = [gateway.pid ?? 0, server.pid ?? 0];
  const before = await Promise.all(pids.map(cpuSecondsOf));
  const startedMs = performance.now();
  let lines = 0;
  while (performance.now() - startedMs < seconds * 1000) {
    await Promise.all(Array.from({ length: atOnceEach }, () => ask(server.port, "brick")));
    await follower.lines.next();
    lines += atOnceEach;
  }
  const tookSeconds = (performance.now() - startedMs) / 1000;
  const after = await Promise.all(pids.map(cpuSecondsOf));
  const [gatewayCpu = 0, serverCpu = 0] = after.map((cpu, at) => (cpu - (before[at] ?? 0)) / tookSeconds);
  return { lines: lines / tookSeconds, gateway: gatewayCpu, server: serverCpu };
}
