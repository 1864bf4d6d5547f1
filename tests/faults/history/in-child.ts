import { fileURLToPath } from "node:url";
import process from "node:process";
import { run } from "../../../test-support/run.ts";
import type { Finding, Trial } from "../framework/fault-test.ts";

/** What a trial in a child process is told, as JSON on its standard input. */
export interface ChildTrial {
  readonly count: number;
  readonly seed: number;
  readonly folder: string;
}

/**
 * Carries a trial out in a process of its own, which a control can break; for what needs no server, only the history.
 *
 * @param script in this folder; it writes its finding as JSON to standard output
 */
export async function runInChild({ count, random, folder, nodeArgs }: Trial, script: string): Promise<Finding> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const told: ChildTrial = { count, seed: random.seed, folder };
  const { code, stdout, stderr } = await run(process.execPath, [...nodeArgs, path], JSON.stringify(told));
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Finding;
}
