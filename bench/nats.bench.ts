import process from "node:process";
import { fileURLToPath } from "node:url";
import { headers as createHeaders, nuid } from "@nats-io/transport-node";
import { jetstream } from "@nats-io/jetstream";
import type { JetStreamClient } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { openJetStreamHistory } from "@wirebook/history";
import type { History } from "@wirebook/history";
import { NatsCluster } from "../interop/nats-cluster.ts";
import { run as runProgram } from "../interop/run.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { compare, encodeTable } from "./harness/compare.ts";
import type { Contender } from "./harness/compare.ts";

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
    yardstick: named("bare client"),
    contenders: [named("Wirebook")],
    rounds,
    measure: (_running, { name }) => perSecond(works.get(name) as () => Promise<unknown>, seconds),
  });
  say(
    encodeTable(`${replicas} of ${cluster.nodes.length} nodes keep it, ${window} at once`, "lines a second", compared),
  );
  await connection.close();
}

/** Several servers, each a process, on one history. */
async function measureGrowth(cluster: NatsCluster, { seconds, say }: BenchOptions): Promise<void> {
  const appender = fileURLToPath(new URL("harness/appender.ts", import.meta.url));
  say("| servers | lines a second |\n| --- | --- |");
  for (const servers of [1, 2, 3]) {
    const words = [appender, cluster.address("growth"), String(window), String(seconds)];
    const runs = await Promise.all(Array.from({ length: servers }, () => runProgram(process.execPath, words)));
    const lines = runs.reduce((sum, { stdout }) => sum + Number(stdout), 0);
    say(`| ${servers} | ${Math.round(lines / seconds).toLocaleString("en")} |`);
  }
  say("");
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
