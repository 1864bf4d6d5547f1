/** Programs of others, which do not say when they listen: started on a free port, ready when they accept a connection. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "./free-port.ts";

/** Bounds a hang. */
const startMsMax = 120_000;
const retryMs = 50;
/** A program that has not stopped by then is killed. */
const stopMsMax = 60_000;

/** What some programs need besides their arguments. */
export interface ForeignOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** A free one unless it is said. */
  readonly port?: number;
  /** By default it is ready when it accepts a connection on its port. */
  readonly isReady?: (port: number) => Promise<boolean>;
  /** `SIGTERM` for a program that must end its own children. */
  readonly stopSignal?: "SIGTERM" | "SIGKILL";
}

/** A foreign program that runs. */
export class ForeignProgram implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #stopSignal: NodeJS.Signals;

  /** @throws Error with what it wrote when it ends or does not listen in time */
  static async start(
    command: string,
    args: (port: number) => readonly string[],
    { env = process.env, port: wanted, isReady = accepts, stopSignal = "SIGKILL" }: ForeignOptions = {},
  ): Promise<ForeignProgram> {
    const port = wanted ?? (await freePort());
    const child = spawn(command, args(port), { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
    child.on("error", ({ message }) => (said += message));
    const program = new ForeignProgram(port, child, stopSignal);
    const deadlineMs = performance.now() + startMsMax;
    while (!(await isReady(port))) {
      if (child.exitCode === null && child.pid !== undefined && performance.now() < deadlineMs) await wait(retryMs);
      else {
        await program[Symbol.asyncDispose]();
        throw new Error(`${command} does not listen on port ${port}: ${said}`);
      }
    }
    return program;
  }

  private constructor(port: number, child: ChildProcess, stopSignal: NodeJS.Signals) {
    this.port = port;
    this.#child = child;
    this.#stopSignal = stopSignal;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(this.#stopSignal);
    const lastResort = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
    await exited;
    clearTimeout(lastResort);
  }
}

/** True when a connection to that port of 127.0.0.1, or to that Unix socket, is accepted. */
export async function accepts(place: number | string): Promise<boolean> {
  const socket = typeof place === "string" ? connect(place) : connect(place, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // Not yet: the caller tries again until its deadline.
  } finally {
    socket.destroy();
  }
}

/** A program that prints a line when it is ready. */
export interface LinePrinter extends AsyncDisposable {
  /** The lines that it prints from then on. */
  readonly lines: AsyncIterator<string>;
}

/** Starts a program; resolves when it has printed a line that fits. Disposing of it kills it. */
export async function startPrinting(command: string, args: readonly string[], ready = /^/): Promise<LinePrinter> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ${args.join(" ")} ended before it was ready`);
    if (ready.test(value)) break;
  }
  return {
    lines,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
