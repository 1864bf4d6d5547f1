import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { buffer, text } from "node:stream/consumers";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { mark } from "../../../scripts/leftovers.mjs";

/** The client's entry, to be run by this Node. */
export const mainPath: string = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** A client that runs. */
type Cli = ChildProcessByStdio<Writable, Readable, Readable>;

/** What a client that has ended left behind. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a user who has set nothing. */
export const bareEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  ["PATH", "NODE_OPTIONS", mark].map((name) => [name, process.env[name] ?? ""]),
);

/** Starts the client; its standard input stays open until it is ended. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Cli {
  const child = spawn(process.execPath, [mainPath, ...args], { stdio: "pipe", env: { ...bareEnvironment, ...env } });
  // Best effort: a client that was given arguments reads no input.
  child.stdin.on("error", () => {});
  return child;
}

/** Runs the client to its end. */
export async function runCli(
  args: readonly string[],
  { input = "", env = {} }: { input?: string | Uint8Array; env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const { stdout, ...ran } = await runCliBytes(args, { input, env });
  return { ...ran, stdout: stdout.toString() };
}

/** The same, with the exact bytes of standard output. */
export async function runCliBytes(
  args: readonly string[],
  { input = "", env = {} }: { input?: string | Uint8Array; env?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly code: number | null; readonly stdout: Buffer; readonly stderr: string }> {
  const child = startCli(args, env);
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([buffer(child.stdout), text(child.stderr), exitOf(child)]);
  return { code, stdout, stderr };
}

/** The exit code, once the client has ended and its output is whole. */
export async function exitOf(child: Cli): Promise<number | null> {
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

/** Waits until the client has written this to the stream; returns all that it wrote until then. */
export async function until(stream: Readable, wanted: string): Promise<string> {
  let seen = "";
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    seen += String(chunk);
    if (seen.includes(wanted)) return seen;
  }
  throw new Error(`${JSON.stringify(wanted)} never came, but ${JSON.stringify(seen)}`);
}
