/** A server that knows users, with a gateway and a page in front of it. */

import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Role } from "@wirebook/protocol";
import { PageClient } from "../../../test-support/page-client.ts";
import type { Program } from "../../../test-support/program.ts";
import { startGateway, startServer } from "../../../test-support/programs.ts";
import type { ServerProgram } from "../../../test-support/programs.ts";
import { run } from "../../../test-support/run.ts";
import { ask } from "../../../test-support/tcp-client.ts";

export const modes = ["open", "registered"] as const;
export type Mode = (typeof modes)[number];

/** The programs of one mode, and an admin as `name~key`. The page watches the port on which the gateway also listens. */
export interface UsersFixture extends AsyncDisposable {
  readonly mode: Mode;
  readonly server: ServerProgram;
  readonly gateway: Program;
  /** Leads to the server. */
  readonly listenPort: number;
  readonly page: PageClient;
  readonly admin: string;
}

/** Milliseconds until a server is asked again whether it knows a user. */
const retryMs = 50;

/** The tool for users. */
export const usersPath: string = fileURLToPath(new URL("../../../apps/server/src/cli/users.ts", import.meta.url));

export async function startUsersFixture(
  mode: Mode,
  options: { readonly nodeArgs: readonly string[]; readonly historyPath?: string },
): Promise<UsersFixture> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startServer({ ...options, options: ["--users", mode] }));
  const { nodeArgs } = options;
  const gatewayOptions = { server: server.address, options: ["--listen", "0=wirebook"], nodeArgs };
  const gateway = stack.use(await startGateway(gatewayOptions));
  const page = stack.use(await PageClient.open(gateway.address));
  page.send({ type: "watch" });
  const { listening } = await page.frame("hello");
  const listenPort = listening[0]?.port as number;
  const admin = await register(server.historyPath, "ada", "admin");
  await untilKnown(server.port, admin);
  return { mode, server, gateway, listenPort, page, admin, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Registers a user, as an operator does; returns `name~key`. */
export async function register(historyPath: string, name: string, role: Role): Promise<string> {
  const args = [usersPath, "add", name, "--role", role, "--history", historyPath];
  const { code, stdout, stderr } = await run(process.execPath, args);
  if (code !== 0) throw new Error(`${name} could not be registered: ${stderr}`);
  return stdout.trimEnd();
}

/** A server may need a moment to learn of a new user. */
export async function untilKnown(port: number, user: string): Promise<void> {
  while (!(await ask(port, `${user} 6`)).includes("engine: ")) await pause(retryMs);
}
