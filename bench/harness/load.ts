/** The load generator of `bench/load/load.c`, compiled when its source has changed. Needs `cc` (Debian: gcc). */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../interop/run.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What the generator saw; an exchange that got no whole reply is an error and is in no figure of time. */
export interface LoadFigures {
  readonly requests: number;
  readonly errors: number;
  /** Of replies. */
  readonly bytes: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** From connect() to the server's FIN. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** One run of the generator. */
export interface LoadOptions {
  readonly port: number;
  /** Exchanges in flight at once. */
  readonly connections: number;
  readonly seconds: number;
  /** With its line feed. */
  readonly message: string;
}

/** Keeps exchanges in flight against 127.0.0.1 for a while. */
export async function load({ port, connections, seconds, message }: LoadOptions): Promise<LoadFigures> {
  const program = compile("bench/load/load.c");
  const { code, stdout, stderr } = await run(program, [
    "127.0.0.1",
    String(port),
    String(connections),
    String(seconds),
    message,
  ]);
  if (code !== 0) throw new Error(`the load generator ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as LoadFigures;
}

/** Compiles a C program of this repository, if need be; returns where it is. */
function compile(source: string): string {
  const program = join(root, ".wirebook", source.replace(/\.c$/, ""));
  const sourcePath = join(root, source);
  if (existsSync(program) && statSync(program).mtimeMs > statSync(sourcePath).mtimeMs) return program;
  mkdirSync(dirname(program), { recursive: true });
  const { status, error } = spawnSync("cc", ["-O2", "-Wall", "-Wextra", "-o", program, sourcePath], {
    stdio: "inherit",
  });
  if (status !== 0) {
    const why = error === undefined ? `cc ended with ${status}` : error.message;
    throw new Error(`${source} cannot be compiled (${why}); on Debian: apt-get install gcc libc6-dev`);
  }
  return program;
}
