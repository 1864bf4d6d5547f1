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

/** A TCP server, Wirebook's or the original, and where its history is. */
export interface ServerProgram extends Program {
  readonly historyPath: string;
}

/** Where a server keeps its history; a temporary folder unless it is said. */
interface ServerOptions {
  readonly historyPath?: string;
}

/** Wirebook's server. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProgram> {
  const { historyPath, remove } = await placeHistory(options);
  return startWithHistory(historyPath, {
    name: "server",
    command: process.execPath,
    args: (port) => [join(root, "apps/server/src/main.ts"), "--port", String(port), "--history", historyPath],
    cleanUp: remove,
  });
}

/** The twin of the original server; `python` must be there (see `findPython`). */
export async function startOriginServer(
  python: string,
  { users = ["brick", "otter"], ...options }: ServerOptions & { readonly users?: readonly string[] } = {},
): Promise<ServerProgram> {
  const { historyPath, remove } = await placeHistory(options);
  return startWithHistory(historyPath, {
    name: "original server",
    command: python,
    args: (port) => [join(root, "interop/origin_server.py"), String(port), historyPath, ...users],
    cleanUp: remove,
  });
}

/** Wirebook's gateway to a server. */
export function startGateway(options: {
  /** `host:port`. */
  readonly server: string;
  readonly serverConnections?: number;
}): Promise<Program> {
  const { server, serverConnections } = options;
  const limit = serverConnections === undefined ? [] : ["--server-connections", String(serverConnections)];
  return Program.start({
    name: "gateway",
    command: process.execPath,
    args: (port) => [join(root, "apps/gateway/src/main.ts"), "--port", String(port), "--server", server, ...limit],
  });
}

/** The path of the client's entry, to be run with this Node. */
export const clientPath: string = join(root, "apps/client/src/main.ts");

/** The path of the twin of the original client, to be run with Python. */
export const originClientPath: string = join(root, "interop/origin_client.py");

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
