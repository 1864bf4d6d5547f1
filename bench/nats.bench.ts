import process from "node:process";
import { fileURLToPath } from "node:url";
import { headers as createHeaders, nuid } from "@nats-io/transport-node";
import { jetstream } from "@nats-io/jetstream";
import type { JetStreamClient } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { openJetStreamHistory } from "@wirebook/history-jetstream";
import type { History } from "@wirebook/history";
import { NatsCluster } from "../test-support/nats-cluster.ts";
import { run as runProgram } from "../test-support/run.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { compare, encodeTable, median } from "./harness/compare.ts";
import type { Contender } from "./harness/compare.ts";
import { cpuSecondsOf, idleSeconds } from "../test-support/process-figures.ts";

/** Lines on their way at once. */
const window = 256;
const line = '127.0.0.1 "brick 2 -100"';

export const bench: Bench = {
  question: "a history on NATS, against the bare JetStream client that publishes the same bytes",
  run,
};

async function run(options: BenchOptions): Promise<void> {
  for (const nodes of [1, 3] as const) {
    await using cluster = await NatsCluster.start({ nodes });
    await compareAppends(cluster, nodes, options);
    if (nodes === 3) {
      await measureGrowth(cluster, options);
    }
  }
}

/** How many lines a second are acknowledged. */
async function compareAppends(cluster: NatsCluster, replicas: number, options: BenchOptions): Promise<void> {
  const { rounds, seconds, say } = options;
  await using history = await openJetStreamHistory(cluster.address("bench"));
  const [node] = cluster.nodes;
  const connection = await connect({ servers: cluster.nodes.map(({ host, ports }) => `${host}:${ports.client}`) });
  const js = jetstream(connection);
  const manager = await js.jetstreamManager();
  await manager.streams.add({ name: "bare", subjects: ["bare.line"], num_replicas: replicas });
  const works = new Map<string, () => Promise<unknown>>([
    ["bare client", () => publish(js)],
    ["Wirebook", () => append(history)],
  ]);
  const named = (name: string): Contender => ({
    name,
    open: async () => ({ port: node?.ports.client ?? 0, [Symbol.asyncDispose]: async () => {} }),
  });
  const compared = await compare({
    baseline: named("bare client"),
    contenders: [named("Wirebook")],
    rounds,
    measure: (_running, { name }) => perSecond(works.get(name) as () => Promise<unknown>, seconds),
  });
  say(
    encodeTable(`${replicas} of ${cluster.nodes.length} nodes keep it, ${window} at once`, "lines a second", compared),
  );
  await connection.close();
}

/** Several servers, each a process, on one history; and who had the processors meanwhile. */
async function measureGrowth(cluster: NatsCluster, { rounds, seconds, say }: BenchOptions): Promise<void> {
  say("| servers | lines a second | CPU of the nodes | of the servers | idle |\n| --- | --- | --- | --- | --- |");
  const grown = new Map<number, Growth[]>([1, 2, 3].map((servers) => [servers, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [servers, all] of grown) all.push(await measureServers(cluster, servers, seconds));
  }
  for (const [servers, all] of grown) {
    const [lines = 0, ...cores] = (["lines", "nodes", "servers", "idle"] as const).map((what) =>
      median(all.map((each) => each[what])),
    );
    say(
      `| ${servers} | ${Math.round(lines).toLocaleString("en")} | ${cores.map((each) => each.toFixed(2)).join(" | ")} |`,
    );
  }
  say("");
}

/** Lines a second, and processors in use. */
interface Growth {
  readonly lines: number;
  readonly nodes: number;
  readonly servers: number;
  readonly idle: number;
}

async function measureServers(cluster: NatsCluster, servers: number, seconds: number): Promise<Growth> {
  const appender = fileURLToPath(new URL("harness/appender.ts", import.meta.url));
  const words = [appender, cluster.address("growth"), String(window), String(seconds)];
  const startedMs = performance.now();
  const before = await spent(cluster);
  const runs = await Promise.all(Array.from({ length: servers }, () => runProgram(process.execPath, words)));
  const after = await spent(cluster);
  // The processes start and end, too, so the nodes and the idling are told for the whole time.
  const wholeSeconds = (performance.now() - startedMs) / 1000;
  const [lines, cpu] = [0, 1].map((field) =>
    runs.reduce((sum, { stdout }) => sum + Number(stdout.split(" ")[field]), 0),
  );
  return {
    lines: (lines ?? 0) / seconds,
    servers: (cpu ?? 0) / seconds,
    nodes: (after.nodes - before.nodes) / wholeSeconds,
    idle: (after.idle - before.idle) / wholeSeconds,
  };
}

async function spent({ nodes }: NatsCluster): Promise<{ nodes: number; idle: number }> {
  const each = await Promise.all(nodes.map(({ pid }) => cpuSecondsOf(pid ?? 0)));
  return { nodes: each.reduce((sum, seconds) => sum + seconds, 0), idle: await idleSeconds() };
}

function append(history: History): Promise<unknown> {
  return history.append({ address: "127.0.0.1", message: "brick 2 -100", isCut: false });
}

/** What the client of NATS documents for a publish that counts once. */
function publish(js: JetStreamClient): Promise<unknown> {
  const headers = createHeaders();
  headers.set("Nats-Msg-Id", nuid.next());
  return js.publish("bare.line", line, { headers });
}

async function perSecond(work: () => Promise<unknown>, seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  let count = 0;
  await Promise.all(
    Array.from({ length: window }, async () => {
      while (performance.now() < endMs) {
        await work();
        count += 1;
      }
    }),
  );
  return count / seconds;
}
