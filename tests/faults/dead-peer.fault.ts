/** Pages whose machine vanished without a word: a network namespace whose cable is pulled [G-10]. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { run as runProgram } from "../../test-support/run.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";
import { socketsOf } from "../../test-support/process-figures.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const goneMsMax = 60_000;
const namespace = "wirebook-far";
/** Ends of a virtual cable, and an address of each, from what RFC 5737 keeps for documentation. */
const near = { device: "wirebook-near", address: "198.51.100.1" };
const far = { device: "wirebook-peer", address: "198.51.100.2" };
const origin = "http://page.example";

export const faultTest: FaultTest = {
  promise: "pages that vanish are dropped within a minute, and with them their connections to the server",
  unit: "pages, each with a follow",
  first: 200,
  full: 1000,
  // It takes the minute that it speaks of, twice.
  isInCi: false,
  needs: ["root", "ip"],
  negativeControls: [{ mutant: "no-heartbeat", count: 20 }],
  run,
};

async function run({ count, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer();
  await using held = new AsyncDisposableStack();
  held.use(await layCable());
  const options = ["--host", near.address, "--origin", origin];
  await using gateway = await startGateway({ server: server.address, serverConnections: count, options, nodeArgs });
  const { pid } = gateway;
  const [gatewayBefore, serverBefore] = [await socketsOf(pid), await socketsOf(server.pid)];
  held.use(await openPages(gateway.port, count));
  await pullCable();
  const startMs = performance.now();
  const isGone = (): boolean => {
    const closed = gateway.stdout.filter((line) => line.includes('"outcome":"closed')).length;
    progress(closed);
    return closed >= count;
  };
  const violations = [...failuresOf(gateway)];
  const areAllGone = await becomes(isGone, goneMsMax);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  if (!areAllGone) violations.push(`pages are still there after ${seconds} s`);
  for (const [name, process, before] of [
    ["gateway", pid, gatewayBefore],
    ["server", server.pid, serverBefore],
  ] as const) {
    const isBack = async (): Promise<boolean> => (await socketsOf(process)) <= before;
    if (!(await becomes(isBack, goneMsMax - (performance.now() - startMs))))
      violations.push(`the ${name} still has their connections open`);
  }
  return {
    tried: count,
    checked: "WebSockets and TCP connections of both sides counted",
    violations,
    figures: { seconds },
  };
}

/** A namespace at the other end of a virtual cable; taken away when it is disposed of. */
async function layCable(): Promise<AsyncDisposable> {
  await remove();
  await ip("netns", "add", namespace);
  await ip("link", "add", near.device, "type", "veth", "peer", "name", far.device);
  await ip("link", "set", far.device, "netns", namespace);
  await ip("addr", "add", `${near.address}/30`, "dev", near.device);
  await ip("link", "set", near.device, "up");
  await ip("-n", namespace, "addr", "add", `${far.address}/30`, "dev", far.device);
  await ip("-n", namespace, "link", "set", far.device, "up");
  return { [Symbol.asyncDispose]: remove };
}

async function remove(): Promise<void> {
  await runProgram("ip", ["link", "del", near.device]);
  await runProgram("ip", ["netns", "del", namespace]);
}

async function pullCable(): Promise<void> {
  await ip("-n", namespace, "link", "set", far.device, "down");
}

async function ip(...args: string[]): Promise<void> {
  const { code, stderr } = await runProgram("ip", args);
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}

/** Opens the pages from within the namespace, in a process that must go on living. */
async function openPages(port: number, count: number): Promise<AsyncDisposable> {
  const program = fileURLToPath(new URL("network/far-pages.ts", import.meta.url));
  const args = ["netns", "exec", namespace, process.execPath, program, `${near.address}:${port}`, origin, `${count}`];
  const child = spawn("ip", args, { stdio: ["ignore", "pipe", "inherit"] });
  const opened = once(createInterface({ input: child.stdout }), "line");
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`the far pages ended with ${code}`)));
  await Promise.race([opened, ended]);
  ended.catch(() => undefined); // It is killed below.
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "close");
    },
  };
}
