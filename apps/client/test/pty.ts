/**
 * The client on a real pseudo-terminal, which `script` of util-linux makes, or else Python's `pty` module.
 *
 * Keys go in as a keyboard would send them, and what comes out is what a screen would get.
 */

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { bareEnvironment, mainPath } from "./cli.ts";

const python = "import os,pty,sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/** What can make a pseudo-terminal here, if anything can. */
export const ptyMaker: "script" | "python3" | undefined = (() => {
  const { status, stdout } = spawnSync("script", ["--version"], { encoding: "utf8" });
  if (status === 0 && stdout.includes("util-linux")) return "script";
  return spawnSync("python3", ["-c", "import pty"]).status === 0 ? "python3" : undefined;
})();

/** Keys as a terminal sends them. */
export const keys = { enter: "\r", up: "\u001b[A", ctrlC: "\u0003", ctrlD: "\u0004" } as const;

/** A client on a terminal. */
export class PtyCli implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<number | null>;
  #seen = "";
  #from = 0;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, program = mainPath) {
    const command = [process.execPath, program, ...args];
    const [maker, makerArgs] =
      ptyMaker === "script"
        ? ["script", ["--quiet", "--return", "--command", command.map(quote).join(" "), "/dev/null"]]
        : ["python3", ["-c", python, ...command]];
    this.#child = spawn(maker, makerArgs, {
      // What the client writes to standard error is on the terminal; the rest is the maker's own remarks.
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...bareEnvironment, SHELL: "/bin/sh", TERM: "xterm", ...env },
    });
    this.#child.stdin.on("error", () => {}); // Best effort: the client may have left already.
    this.#child.stdout.on("data", (chunk: Buffer) => (this.#seen += chunk.toString()));
    this.#ended = once(this.#child, "close").then(([code]) => code as number | null);
  }

  /** All that the screen was sent so far. */
  get screen(): string {
    return this.#seen;
  }

  /** Presses keys. */
  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Waits until this appears behind what was awaited before, and returns what came up to it. */
  async until(wanted: string): Promise<string> {
    for (;;) {
      const at = this.#seen.indexOf(wanted, this.#from);
      if (at >= 0) {
        const found = this.#seen.slice(this.#from, at + wanted.length);
        this.#from = at + wanted.length;
        return found;
      }
      const more = await Promise.race([once(this.#child.stdout, "data"), this.#ended]);
      if (!Array.isArray(more) && !this.#seen.includes(wanted, this.#from)) {
        throw new Error(`${JSON.stringify(wanted)} never came, but ${JSON.stringify(this.#seen.slice(this.#from))}`);
      }
    }
  }

  /** The exit code, once the client has left. */
  get exitCode(): Promise<number | null> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // At a milder signal `script` waits two seconds for the client, which the end of the terminal ends as well.
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
