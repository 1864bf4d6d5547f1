import { fileURLToPath } from "node:url";
import type { Role } from "@wirebook/protocol";
import { run } from "../../../test-support/run.ts";

/** The tool for users. */
export const usersPath: string = fileURLToPath(new URL("../../../apps/server/src/cli/users.ts", import.meta.url));

/** Registers somebody, as an operator does; returns the username with its key. */
export async function register(historyPath: string, name: string, role: Role): Promise<string> {
  const args = [usersPath, "add", name, "--role", role, "--history", historyPath];
  const { code, stdout, stderr } = await run(process.execPath, args);
  if (code !== 0) throw new Error(`${name} could not be registered: ${stderr}`);
  return stdout.trimEnd();
}
