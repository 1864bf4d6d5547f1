/** Child processes for tests. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What a child says in one line. */
export interface Fact {
  readonly isOpen?: boolean;
  readonly lines?: number;
  readonly code?: string;
  readonly message?: string;
  readonly position?: number;
  readonly ended?: string | null;
}

/** A process that has a history open, or was refused it. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** The next line that it says; `undefined` when it has ended. */
  next(): Promise<Fact | undefined>;
  append(message: string): Promise<Fact | undefined>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

/** Starts `child.ts` on a history, if need be under another program. */
export function startChild(path: string, ...under: readonly string[]): Child {
  const script = fileURLToPath(new URL("child.ts", import.meta.url));
  const [program, ...words] = [...under, process.execPath, script, path];
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Fact | undefined> => {
    const { value, done } = await lines.next();
    return done === true ? undefined : (JSON.parse(value) as Fact);
  };
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await closed;
  };
  return {
    pid: child.pid ?? 0,
    next,
    append(message) {
      child.stdin.write(`append ${message}\n`);
      return next();
    },
    kill,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await kill();
    },
  };
}
