/**
 * RST in every phase of an exchange, with the server itself (`reset`) or through a listening port (`listen-reset`): nothing is
 * left behind, and no other client notices.
 */

import type { Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../test-support/free-port.ts";
import type { Program } from "../../test-support/program.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { descriptorsOf } from "../../test-support/process-figures.ts";
import { ask, exchange, inTurns } from "../../test-support/tcp-client.ts";

/** Bounds a hang, on a machine that is busy with other work as well. */
const settleMsMax = 60_000;
/** A control has nothing to wait for. */
const settleMsMaxOfControls = 5000;

/** What a client does before it resets the connection. */
const phases: Readonly<Record<string, (socket: Socket) => unknown>> = {
  "at once": () => {},
  "when connected": (socket) => once(socket, "connect"),
  "inside the message": (socket) => write(socket, "bri"),
  "inside a message that deletes": (socket) => write(socket, "brick 1 1"),
  "behind the message": (socket) => write(socket, "brick\n"),
  "behind the message and FIN": (socket) => new Promise((resolve) => socket.end("brick\n", () => resolve(undefined))),
  "at the first bytes of a long reply": (socket) => firstBytes(socket, "brick 2\n"),
  "unread, inside a long reply": (socket) => write(socket.pause(), "brick 2\n"),
  "inside a follow": (socket) => firstBytes(socket, "brick 5 1\n"),
  "behind a mistake": (socket) => write(socket, "brick 77\n"),
};

const common = {
  promise: "a reset in any phase leaves no descriptor, no exception and no other client harmed",
  unit: "resets",
  first: 1000,
  full: 50_000,
  isInCi: true,
  needs: [],
};

export const faultTests: Readonly<Record<string, FaultTest>> = {
  reset: {
    ...common,
    negativeControls: [{ mutant: "no-server-error-listener", count: 200 }],
    run: (trial) =>
      run(trial, async (historyPath, stack) => {
        const program = stack.use(await startServer({ historyPath, nodeArgs: trial.nodeArgs }));
        return { program, port: program.port };
      }),
  },
  "listen-reset": {
    ...common,
    negativeControls: [{ mutant: "target-not-reset", count: 200 }],
    run: (trial) =>
      run(trial, async (historyPath, stack) => {
        const server = stack.use(await startServer({ historyPath }));
        const port = await freePort();
        const options = ["--listen", `${port}=wirebook`];
        const program = stack.use(await startGateway({ server: server.address, options, nodeArgs: trial.nodeArgs }));
        return { program, port };
      }),
  },
};

/** Starts the program that is tried, in front of that history, and says on which port its clients reset. */
type Start = (historyPath: string, stack: AsyncDisposableStack) => Promise<Tried>;

interface Tried {
  readonly program: Program;
  readonly port: number;
}

async function run({ count, random, folder, isControl, progress }: Trial, start: Start): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  await writeFile(historyPath, `${"x".repeat(1023)}\n`.repeat(2048));
  await using stack = new AsyncDisposableStack();
  const { program, port } = await start(historyPath, stack);
  const names = Object.keys(phases);
  const tried = new Map(names.map((name) => [name, 0]));
  const violations: string[] = [];
  const atFirst = await descriptorsOf(program.pid);
  await inTurns(count, 16, async (number) => {
    const name = random.pick(names);
    tried.set(name, (tried.get(name) ?? 0) + 1);
    await exchange(port, async (socket) => {
      // When the connection breaks before the phase is reached, there is nothing left to reset.
      const reached = Promise.resolve(phases[name]?.(socket)).catch(() => {});
      await Promise.race([reached, new Promise((resolve) => socket.once("close", resolve))]);
      socket.resetAndDestroy();
    });
    progress(number + 1);
  });
  const text = await ask(port, "brick");
  if (!text.includes("Operations: ")) violations.push(`afterwards a client got ${JSON.stringify(text)}`);
  violations.push(...(await leftBehind(program, atFirst, isControl ? settleMsMaxOfControls : settleMsMax)));
  return {
    tried: count,
    checked: `${names.length} phases, the least tried ${Math.min(...tried.values())} times`,
    violations,
  };
}

async function leftBehind(server: Program, atFirst: number, settleMs: number): Promise<string[]> {
  const exit = await Promise.race([server.exited, wait(0, undefined)]);
  if (exit !== undefined) return [`the program ended with ${exit.code}: ${server.stderr.join(" ").slice(0, 300)}`];
  const startedMs = performance.now();
  while ((await descriptorsOf(server.pid)) > atFirst) {
    const left = (await descriptorsOf(server.pid)) - atFirst;
    if (performance.now() - startedMs > settleMs) return [`${left} descriptors more than at first`];
    await wait(50);
  }
  return server.stdout.filter((line) => /"event":"(?:failure|internal-error)"/.test(line)).concat(server.stderr);
}

function write(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => socket.write(text, () => resolve()));
}

async function firstBytes(socket: Socket, text: string): Promise<void> {
  socket.write(text);
  await once(socket, "data");
}
