import { connect } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Program } from "../test-support/program.ts";
import { startReferenceServer, startServer } from "../test-support/programs.ts";
import { findPython } from "../test-support/python.ts";
import { unmet } from "../tests/faults/framework/needs.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { compare, encodeTable } from "./harness/compare.ts";
import type { Contender } from "./harness/compare.ts";
import { load } from "./harness/load.ts";
import { startRedis } from "./baselines/redis.ts";

const message = "brick\n";
const push = "RPUSH log brick\n";

/** A request that takes longer than this waited for the kernel to try again. */
const waitMsMax = 1000;

export const bench: Bench = {
  question:
    "requests a second of the server, with its durable log, against a bare node:net server that logs nothing, the least durable one in Node, the reference implementation, and Redis",
  run,
};

async function run(options: BenchOptions): Promise<void> {
  const reply = await replyOfServer();
  await compareAt("at once", reply, findOthers(options.say), options);
  // Clients that have nothing more to say: behind their FIN a server may close at once [W-17].
  await compareAt("at once, each with FIN behind its message", reply, [], options, true);
}

async function compareAt(
  title: string,
  reply: string,
  others: readonly Contender[],
  { rounds, seconds, say }: BenchOptions,
  sendsFin = false,
): Promise<void> {
  for (const connections of [1, 16, 64, 256]) {
    const longestUs = new Map<string, number>();
    const compared = await compare({
      baseline: { name: "bare node:net", open: () => startBare(reply) },
      contenders: [
        { name: "Wirebook", open: startOurs },
        { name: "least durable", open: () => startLeast(reply) },
        ...others,
      ],
      rounds,
      measure: async ({ port }, { name }) => {
        const isRedis = name.startsWith("Redis");
        const request = isRedis ? push : message;
        const figures = await load({ port, connections, seconds, message: request, endsAtLine: isRedis, sendsFin });
        longestUs.set(name, Math.max(longestUs.get(name) ?? 0, figures.maxUs));
        return figures.perSecond;
      },
    });
    say(encodeTable(`${connections} ${title}`, "requests a second", compared));
    const longest = [...longestUs].map(([name, us]) => `${name} ${describeWait(us / 1000)}`);
    say(`longest: ${longest.join("; ")}\n`);
  }
}

function describeWait(ms: number): string {
  return `${ms.toFixed(0)} ms${ms > waitMsMax ? " (over a second)" : ""}`;
}

/** The contenders that this machine has the programs for. */
function findOthers(say: (text: string) => void): Contender[] {
  const python = findPython();
  const others: Contender[] = [];
  if (python === undefined) say("SKIPPED: the reference implementation: there is no python3");
  else
    others.push({
      name: "reference (Python, no sync)",
      open: async () => (await startReferenceServer(python)).discardOutput(),
    });
  if (unmet(["redis-server"]).length === 0) others.push({ name: "Redis RPUSH, appendfsync always", open: startRedis });
  else say("SKIPPED: Redis: there is no redis-server; `node scripts/debian-programs.mjs` fetches it");
  return others;
}

/** What the server answers, so that the baseline answers the same bytes. */
async function replyOfServer(): Promise<string> {
  await using server = await startServer();
  const socket = connect(server.port, server.host);
  socket.end(message);
  return await text(socket);
}

async function startOurs(): Promise<Program> {
  return (await startServer()).discardOutput();
}

function startBare(reply: string): Promise<Program> {
  const args = [fileURLToPath(new URL("baselines/bare-server.ts", import.meta.url)), reply];
  return Program.start({ name: "bare server", command: process.execPath, args: () => args });
}

async function startLeast(reply: string): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-"));
  const program = fileURLToPath(new URL("baselines/durable-server.ts", import.meta.url));
  const started = await Program.start({
    name: "least durable server",
    command: process.execPath,
    args: () => [program, reply, join(folder, "history.txt")],
    cleanUp: () => rm(folder, { recursive: true, force: true }),
  });
  return started.discardOutput();
}
