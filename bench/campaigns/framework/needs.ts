import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { findNatsServer } from "../../../scripts/nats-server.mjs";

/** Those of the needs of a campaign that this machine does not meet: programs by their name, and `root`. */
export function unmet(needs: readonly string[]): readonly string[] {
  return needs.filter((need) => !isMet(need));
}

function isMet(need: string): boolean {
  if (need === "root") return process.getuid?.() === 0;
  // One that is too old is none, and one may have been fetched to where no search path leads.
  if (need === "nats-server") return findNatsServer() !== undefined;
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, need)));
}
