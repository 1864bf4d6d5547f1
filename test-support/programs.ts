/**
 * The real programs as child processes, for tests that need more than one of them.
 *
 * Each listens on a port of the system's choosing, keeps what it writes in a temporary folder, and is stopped, and its
 * folder removed, when it is disposed of (`await using`). Nothing is inherited from the WIREBOOK_… variables of whoever
 * runs the tests.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Program } from "./program.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** A TCP server, Wirebook's or the reference server, and where its history is. */
export interface ServerProgram extends Program {
  readonly historyPath: string;
}

/** Where a server keeps its history; a temporary folder unless it is said. */
interface ServerOptions {
  readonly historyPath?: string;
}

/** How one of Wirebook's own programs is started, where that differs from what a user would type. */
interface LaunchOptions {
  /** Options behind those that say where it listens and what it speaks to. */
  readonly options?: readonly string[];
  /** Arguments of Node, before the program's path. */
  readonly nodeArgs?: readonly string[];
  /** A program with its arguments that runs Node: `strace -f -o trace.txt`. */
  readonly under?: readonly string[];
}

/** Wirebook's server. */
export async function startServer({
  options = [],
  nodeArgs = [],
  under = [],
  ...place
}: ServerOptions & LaunchOptions = {}): Promise<ServerProgram> {
  const { historyPath, remove } = await placeHistory(place);
  const program = [...nodeArgs, join(root, "apps/server/src/main.ts")];
  return startWithHistory(historyPath, {
    name: "server",
    ...behind(under, (port) => [...program, "--port", String(port), "--history", historyPath, ...options]),
    cleanUp: remove,
  });
}

/** The rebuild of the reference server; `python` must be there (see `findPython`). */
export async function startReferenceServer(
  python: string,
  { users = ["brick", "otter"], ...options }: ServerOptions & { readonly users?: readonly string[] } = {},
): Promise<ServerProgram> {
  const { historyPath, remove } = await placeHistory(options);
  return startWithHistory(historyPath, {
    name: "reference server",
    command: python,
    args: (port) => [join(root, "tests/interop/reference_server.py"), String(port), historyPath, ...users],
    cleanUp: remove,
  });
}

/** Wirebook's gateway to a server, or to the targets that its options name. */
export function startGateway({
  server,
  connections,
  options = [],
  nodeArgs = [],
  under = [],
}: {
  /** `host:port`. */
  readonly server?: string;
  readonly connections?: number;
} & LaunchOptions): Promise<Program> {
  const target = server === undefined ? [] : ["--server", server];
  const limit = connections === undefined ? [] : ["--connections", String(connections)];
  const program = [...nodeArgs, join(root, "apps/gateway/bin/wirebook-gateway.mjs")];
  return Program.start({
    name: "gateway",
    ...behind(under, (port) => [...program, "--port", String(port), ...target, ...limit, ...options]),
  });
}

/** The path of the client's entry, to be run with this Node. */
export const clientPath: string = join(root, "apps/client/src/main.ts");

/** The path of the rebuild of the reference client, for Python. */
export const referenceClientPath: string = join(root, "tests/interop/reference_client.py");

/** This Node with arguments, if need be run by another program. */
function behind(
  under: readonly string[],
  args: (port: number) => readonly string[],
): Pick<Parameters<typeof Program.start>[0], "command" | "args" | "isWrapped"> {
  const [command = process.execPath, ...words] = under;
  if (under.length === 0) return { command, args };
  return { command, args: (port) => [...words, process.execPath, ...args(port)], isWrapped: true };
}

async function placeHistory({
  historyPath,
}: ServerOptions): Promise<{ historyPath: string; remove: () => Promise<void> }> {
  if (historyPath !== undefined) return { historyPath, remove: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), "wirebook-"));
  return { historyPath: join(folder, "history.txt"), remove: () => rm(folder, { recursive: true, force: true }) };
}

async function startWithHistory(
  historyPath: string,
  launch: Parameters<typeof Program.start>[0],
): Promise<ServerProgram> {
  return Object.assign(await Program.start(launch), { historyPath });
}
