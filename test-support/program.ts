import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";

/** How a program is started, again and again on the same port. */
interface Launch {
  /** For the messages of failed tests. */
  readonly name: string;
  readonly command: string;
  /** @param port 0 at first, for any free one; afterwards the one that was found */
  readonly args: (port: number) => readonly string[];
  /**
   * True when the command is another program, such as strace, that runs this one. A signal then goes to both: strace with a
   * file for its output keeps a SIGTERM to itself, and a SIGKILL to it alone leaves the other running.
   */
  readonly isWrapped?: boolean;
  /** Called when the program is disposed of. */
  readonly cleanUp?: () => Promise<void>;
}

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Bounds a hang: a program that has not stopped by then is killed. */
const stopMsMax = 120_000;

/** Tries to start a program again on its port: the kernel may have given the port to a connection meanwhile. */
const restartsMax = 100;
const restartRetryMs = 100;

/** A listening program. It says on standard output, in a line of JSON, that it listens and on which port. */
export class Program implements AsyncDisposable {
  readonly host = "127.0.0.1";
  /** All lines that it has written so far, over all restarts. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly #launch: Launch;
  readonly #lines = new EventEmitter();
  #port = 0;
  #child: ChildProcess | undefined;
  #reading: Interface | undefined;
  #exit: Promise<Exit> = Promise.resolve({ code: 0, signal: null });

  /** Starts a program; resolves when it listens, rejects with what it wrote when it ends before. */
  static async start(launch: Launch): Promise<Program> {
    const program = new Program(launch);
    try {
      await program.#spawn();
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
    return program;
  }

  private constructor(launch: Launch) {
    this.#launch = launch;
    this.#lines.setMaxListeners(0);
  }

  get port(): number {
    return this.#port;
  }

  /** `host:port`. */
  get address(): string {
    return `${this.host}:${this.#port}`;
  }

  /** Of the process that runs now, or ran last. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Settles when the process that runs now has ended. */
  get exited(): Promise<Exit> {
    return this.#exit;
  }

  /** The first line of standard output, among those from `from` on and those to come, that fits. */
  async lineWith(fits: string | RegExp, from = 0): Promise<string> {
    for (let at = from; ; at++) {
      while (at >= this.stdout.length) await once(this.#lines, "line");
      const line = this.stdout[at] as string;
      if (typeof fits === "string" ? line.includes(fits) : fits.test(line)) return line;
    }
  }

  /** Sends a signal and waits for the end; a program that ignores it is killed in the end. */
  async kill(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return this.#exit;
    this.signal(signal);
    const lastResort = setTimeout(() => this.signal("SIGKILL"), stopMsMax);
    const exit = await this.#exit;
    clearTimeout(lastResort);
    return exit;
  }

  /** Sends a signal and does not wait for what it does. */
  signal(signal: NodeJS.Signals): void {
    const child = this.#child;
    if (this.#launch.isWrapped !== true || child?.pid === undefined) return void child?.kill(signal);
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // Both ended meanwhile.
    }
  }

  /** Starts it again on the same port, and stops it before when it still runs. */
  async restart(): Promise<void> {
    await this.kill();
    for (let attempt = 1; ; attempt++) {
      const before = this.stderr.length;
      try {
        return await this.#spawn();
      } catch (error) {
        const isTaken = / already| is taken/.test(this.stderr.slice(before).join("\n"));
        if (!isTaken || attempt === restartsMax) throw error;
        await wait(restartRetryMs);
      }
    }
  }

  /**
   * Throws away whatever it writes on standard output from now on. Taking lines apart would take a measurement's time
   * on a machine with few cores.
   */
  discardOutput(): this {
    this.#reading?.close();
    this.#child?.stdout?.resume();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#launch.cleanUp?.();
  }

  async #spawn(): Promise<void> {
    const { name, command, args, isWrapped = false } = this.#launch;
    const linesBefore = this.stdout.length;
    const child = spawn(command, args(this.#port), {
      env: ownEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: isWrapped, // In a process group of its own.
    });
    this.#child = child;
    this.#exit = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    this.#reading = this.#gather(child.stdout, this.stdout);
    this.#gather(child.stderr, this.stderr);
    const failed = this.#exit.then(({ code, signal }) => {
      throw new Error(
        `the ${name} ended (${code ?? signal}) before it listened:\n${[...this.stdout, ...this.stderr].join("\n")}`,
      );
    });
    const line = await Promise.race([this.lineWith(/"event":\s*"listening"/, linesBefore), failed]);
    failed.catch(() => {}); // From now on an exit is what the test makes of it.
    this.#port = (JSON.parse(line) as { port: number }).port;
  }

  #gather(stream: Readable, lines: string[]): Interface {
    return createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      this.#lines.emit("line");
    });
  }
}

/** The environment of the tests without what would configure a program. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WIREBOOK_")));
}
