import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startPrinting } from "../test-support/foreign-program.ts";
import { freePort } from "../test-support/free-port.ts";
import { cpuSecondsOf } from "../test-support/process-figures.ts";
import { startGateway } from "../test-support/programs.ts";
import { TestServer } from "../test-support/tcp-client.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";

const audiences = [1, 100, 1000] as const;
const readsPerSecond = 5;
/** Of a time in nanoseconds, as it is sent. */
const timeDigits = 20;

export const bench: Bench = {
  question: `a listening port that reads ${readsPerSecond} times a second: how late the pages that watch get it, one of them stalled`,
  run,
};

interface Late {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

async function run({ seconds, say }: BenchOptions): Promise<void> {
  say(
    "| pages, and a stalled one | late, ms: p50 | p95 | p99 | most | CPU of the gateway |\n| --- | --- | --- | --- | --- | --- |",
  );
  for (const pages of audiences) {
    const { late, cpu } = await watch(pages + 1, Math.ceil(seconds * readsPerSecond));
    const figures = [late.p50, late.p95, late.p99, late.max].map((ms) => ms.toFixed(1));
    say(`| ${[pages.toLocaleString("en"), ...figures, cpu.toFixed(2)].join(" | ")} |`);
  }
  say("");
}

async function watch(pages: number, reads: number): Promise<{ late: Late; cpu: number }> {
  await using target = await TestServer.listen((socket) => socket.resume());
  const listenPort = await freePort();
  const options = ["--target", `it=tcp://${target.address}`, "--listen", `${listenPort}=it`];
  await using gateway = await startGateway({ options });
  const program = fileURLToPath(new URL("harness/watching-pages.ts", import.meta.url));
  await using viewers = await startPrinting(
    process.execPath,
    [program, gateway.port, pages, reads, timeDigits].map(String),
  );
  const socket = connect({ host: "127.0.0.1", port: listenPort, noDelay: true });
  await once(socket, "connect");
  const [before, startedMs] = [await cpuSecondsOf(gateway.pid ?? 0), performance.now()];
  for (let read = 0; read < reads; read++) {
    socket.write(process.hrtime.bigint().toString().padStart(timeDigits, "0"));
    await wait(1000 / readsPerSecond);
  }
  const { value } = await viewers.lines.next();
  const cpu = ((await cpuSecondsOf(gateway.pid ?? 0)) - before) / ((performance.now() - startedMs) / 1000);
  socket.destroy();
  return { late: JSON.parse(value as string) as Late, cpu };
}
