import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** Those of the needs of a campaign that this machine does not meet: programs by their name, and `root`. */
export function unmet(needs: readonly string[]): readonly string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const isMet = (need: string): boolean =>
    need === "root" ? process.getuid?.() === 0 : folders.some((folder) => existsSync(join(folder, need)));
  return needs.filter((need) => !isMet(need));
}
