/** The real program in a process of its own. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** How a program ended, and all that it wrote. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that was started; disposing of it kills it if it still runs. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  #stdout = "";
  #stderr = "";
  #wake = (): void => {};

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#wake();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) => resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr }));
    });
  }

  /** Starts the server with options, and with nothing of Wirebook's in the environment but what is given. */
  static start(options: readonly string[], env: Record<string, string> = {}): Program {
    return new Program(spawn(process.execPath, [main, ...options], { env: { ...cleanEnvironment(), ...env } }));
  }

  /** Starts the server in a shell that sets something up before it becomes the server. */
  static startBehind(preparation: string, options: readonly string[]): Program {
    const script = `${preparation}; exec "$0" "$@"`;
    const words = ["-c", script, process.execPath, main, ...options];
    return new Program(spawn("/bin/sh", words, { env: cleanEnvironment() }));
  }

  /** The first line that it prints, once it listens. */
  async listening(): Promise<{ event: string; host: string; port: number; history: string }> {
    while (!this.#stdout.includes("\n")) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        this.ended.then(({ stderr }) => {
          throw new Error(`the server ended before it listened: ${stderr}`);
        }),
      ]);
    }
    return JSON.parse(this.#stdout.slice(0, this.#stdout.indexOf("\n"))) as Awaited<ReturnType<Program["listening"]>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    this.child.stdout?.resume();
    await this.ended;
  }
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WIREBOOK_")));
}
