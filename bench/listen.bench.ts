import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { encodeFrame, subprotocol } from "@wirebook/protocol";
import { findProgram } from "../scripts/debian-programs.mjs";
import { freePort } from "../test-support/free-port.ts";
import { Program } from "../test-support/program.ts";
import { startGateway } from "../test-support/programs.ts";
import { run as runProgram } from "../test-support/run.ts";
import { openFolder, startService } from "../test-support/services/debian.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { fillCompileCache } from "./harness/bridges.ts";
import { compare, encodeTable } from "./harness/compare.ts";
import type { Contender } from "./harness/compare.ts";

/** Requests in a second of one measurement, about as many as a pipe carries. */
const requestsPerSecond = 25_000;
const requestsPerSecondAlone = 8000;

export const bench: Bench = {
  question: "redis-benchmark through a listening port that records, against bare pipes of `net` and HAProxy",
  run,
};

async function run(options: BenchOptions): Promise<void> {
  await fillCompileCache();
  await using redis = await startService("redis-server", (port) => ["--port", String(port), "--save", ""]);
  for (const clients of [50, 1]) await compareGets(redis.port, clients, options);
}

async function compareGets(redisPort: number, clients: number, { rounds, seconds, say }: BenchOptions): Promise<void> {
  const requests = seconds * (clients === 1 ? requestsPerSecondAlone : requestsPerSecond);
  const compared = await compare({
    baseline: netPipe(redisPort),
    contenders: [
      netPipe(redisPort, "record"),
      listeningPort(redisPort, "no page"),
      listeningPort(redisPort, "one page"),
      listeningPort(redisPort, "a stalled page"),
      ...haproxy(redisPort, say),
    ],
    rounds,
    measure: ({ port }) => measureGets(port, clients, requests),
  });
  const how = clients === 1 ? "1 connection" : `${clients} connections`;
  say(encodeTable(`GET, on ${how}`, "requests a second", compared));
}

/** Requests a second, as redis-benchmark has it. */
async function measureGets(port: number, clients: number, requests: number): Promise<number> {
  const words = ["-p", String(port), "-t", "get", "-c", String(clients), "-n", String(requests), "--csv"];
  const { stdout, stderr } = await runProgram(findProgram("redis-benchmark") ?? "redis-benchmark", words);
  const [, perSecond] = /^"GET","([\d.]+)"/m.exec(stdout) ?? [];
  if (perSecond === undefined) throw new Error(`redis-benchmark printed no figure: ${stdout}${stderr}`);
  return Number(perSecond);
}

function netPipe(serverPort: number, ...words: readonly "record"[]): Contender {
  const program = fileURLToPath(new URL("baselines/net-pipe.mjs", import.meta.url));
  const name = words.length === 0 ? "bare pipe" : "recording pipe";
  const args = (): string[] => [program, String(serverPort), ...words];
  return { name, open: () => Program.start({ name, command: process.execPath, args }) };
}

/** Wirebook's gateway, and who watches. */
function listeningPort(serverPort: number, watcher: "no page" | "one page" | "a stalled page"): Contender {
  const open = async (): ReturnType<Contender["open"]> => {
    await using made = new AsyncDisposableStack();
    const listenPort = await freePort();
    const options = ["--target", `redis=tcp://127.0.0.1:${serverPort}`, "--listen", `${listenPort}=redis`];
    const gateway = made.use((await startGateway({ options })).discardOutput());
    if (watcher !== "no page") {
      const host = `127.0.0.1:${gateway.port}`;
      const page = new WebSocket(`ws://${host}/ws`, subprotocol, { origin: `http://${host}` });
      made.defer(() => page.terminate());
      await once(page, "open");
      page.send(encodeFrame({ type: "watch" }));
      if (watcher === "a stalled page") page.pause();
    }
    const held = made.move();
    return { port: listenPort, pid: gateway.pid, [Symbol.asyncDispose]: () => held.disposeAsync() };
  };
  return { name: `Wirebook, watched by ${watcher}`, open };
}

/** HAProxy in TCP mode; says so and gives none where this machine has none. */
function haproxy(serverPort: number, say: (text: string) => void): readonly Contender[] {
  if (findProgram("haproxy") === undefined) {
    say("LEFT OUT: haproxy; `node scripts/debian-programs.mjs` fetches it\n");
    return [];
  }
  const open = async (): ReturnType<Contender["open"]> => {
    await using made = new AsyncDisposableStack();
    const { path } = made.use(await openFolder("haproxy"));
    const file = join(path, "haproxy.cfg");
    const port = await freePort();
    const times = "timeout connect 5s\n  timeout client 60s\n  timeout server 60s";
    const listen = `listen redis\n  bind 127.0.0.1:${port}\n  server redis 127.0.0.1:${serverPort}`;
    writeFileSync(file, `global\n  nbthread 1\ndefaults\n  mode tcp\n  ${times}\n${listen}\n`);
    made.use(await startService("haproxy", () => ["-db", "-f", file], { port, stopSignal: "SIGTERM" }));
    const held = made.move();
    return { port, [Symbol.asyncDispose]: () => held.disposeAsync() };
  };
  return [{ name: "HAProxy, TCP mode, 1 thread", open }];
}
