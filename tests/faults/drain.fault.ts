/**
 * SIGTERM under load, to the server (`drain`) or to a gateway that listens for it (`listen-drain`) [G-15]: what was accepted is
 * finished, and no reply ends before its end.
 */

import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { decodeEntry } from "@wirebook/protocol";
import { accepts } from "../../test-support/foreign-program.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { freePort } from "../../test-support/free-port.ts";
import type { Program } from "../../test-support/program.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { becomes } from "./network/gateway-health.ts";
import { ask, exchange } from "../../test-support/tcp-client.ts";

const clients = 16;
const lifeMsMax = 200;
/** More than all buffers on the way to a client that does not read. */
const historyKiB = 8192;

const common = {
  promise: "SIGTERM loses no acknowledged line and cuts no reply short, and the program ends by itself",
  unit: "stops",
  first: 50,
  ci: 5,
  full: 1000,
  isInCi: true,
  needs: [],
};

export const faultTests: Readonly<Record<string, FaultTest>> = {
  drain: {
    ...common,
    negativeControls: [{ mutant: "exit-at-signal", count: 2 }],
    run: (trial) =>
      run(trial, async (historyPath) => {
        const server = await startServer({ historyPath, nodeArgs: trial.nodeArgs });
        return { program: server, port: server.port };
      }),
  },
  "listen-drain": {
    ...common,
    ci: 3, // Each starts two programs.
    negativeControls: [{ mutant: "flows-cut-at-signal", count: 1 }],
    run: (trial) =>
      run(trial, async (historyPath, stack) => {
        const server = stack.use(await startServer({ historyPath }));
        const port = await freePort();
        const options = ["--listen", `${port}=wirebook`];
        return { program: await startGateway({ server: server.address, options, nodeArgs: trial.nodeArgs }), port };
      }),
  },
};

/** Starts the program that is stopped, in front of that history, and says where clients connect. */
type Start = (historyPath: string, stack: AsyncDisposableStack) => Promise<{ program: Program; port: number }>;

async function run({ count, random, folder, progress }: Trial, start: Start): Promise<Finding> {
  const violations: string[] = [];
  let acknowledged = 0;
  let slowestMs = 0;
  for (let stop = 0; stop < count; stop++) {
    const historyPath = join(folder, `history-${stop}.txt`);
    await writeFile(historyPath, `${"x".repeat(1023)}\n`.repeat(historyKiB));
    await using stack = new AsyncDisposableStack();
    const { program, port } = await start(historyPath, stack);
    stack.use(program);
    const header = await ask(port, "first");
    const load = Array.from({ length: clients }, (_, client) => keepAsking(port, client, header));
    const readOn = await beginReply(port, "reader 2");
    await wait(random.between(20, lifeMsMax));
    const startedMs = performance.now();
    const ended = program.kill("SIGTERM");
    await becomes(async () => !(await accepts(port)));
    const reply = await readOn();
    if (!isWholeReply(reply, "reader 2")) violations.push(`the reader got ${reply.length} bytes of its reply`);
    const { code, signal } = await ended;
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    if (code !== 0) violations.push(`stop ${stop}: the program ended with ${code ?? signal}`);
    const found = await Promise.all(load);
    const kept = await messagesIn(historyPath);
    for (const { whole, half } of found) {
      acknowledged += whole.length;
      violations.push(
        ...half,
        ...whole.filter((message) => !kept.has(message)).map((message) => `${message} was lost`),
      );
    }
    progress(stop + 1);
  }
  const checked = `${acknowledged.toLocaleString("en")} acknowledged lines looked for, no reply cut`;
  return { tried: count, checked, violations, figures: { "slowest stop, ms": slowestMs.toFixed(0) } };
}

/** Asks until the server is gone; half of the clients for the header of a reply alone, half for two megabytes. */
async function keepAsking(port: number, client: number, header: string): Promise<{ whole: string[]; half: string[] }> {
  const whole: string[] = [];
  const half: string[] = [];
  for (let number = 0; ; number++) {
    const message = `c${client}n${number}${client % 2 === 0 ? " 2 -2000" : ""}`;
    const { text, error } = await exchange(port, `${message}\n`);
    const isWhole = client % 2 === 0 ? isWholeReply(text, message) : text === header;
    const isTold = text.endsWith("Error: the server is stopping; send the message again in a moment\n");
    if (isWhole) whole.push(message);
    else if (text !== "" && !isTold) half.push(`${message} got ${text.length} bytes of its reply (${error ?? "FIN"})`);
    if (error !== undefined || isTold) return { whole, half };
  }
}

/** True when the line of the read itself has come: others may have written behind it before it was carried out. */
function isWholeReply(reply: string, message: string): boolean {
  return reply.includes(`"${message}"\n`) && reply.endsWith("\n");
}

/** A client that is in the midst of a reply, however slow the machine is: it reads on when it is told to. */
async function beginReply(port: number, message: string): Promise<() => Promise<string>> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`${message}\n`);
  await once(socket, "readable");
  return async () => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of socket) chunks.push(chunk as Buffer);
    } catch {
      // It was reset: what came before says how much is missing.
    }
    return Buffer.concat(chunks).toString();
  };
}

async function messagesIn(path: string): Promise<ReadonlySet<string>> {
  const lines = (await readFile(path, "utf8")).split("\n").slice(historyKiB);
  return new Set(
    lines.map((line) => decodeEntry(line)).flatMap((entry) => (entry.kind === "request" ? entry.message : [])),
  );
}
