import { fileURLToPath } from "node:url";
import { run as runProgram } from "../../test-support/run.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import type { ChildTrial } from "./history/torn-tail.ts";

export const faultTest: FaultTest = {
  promise: "recovery keeps the longest prefix of whole lines of any file, and keeps a partial line beside it",
  unit: "cuts",
  first: 4096,
  ci: 250,
  full: 65_536,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "accepted-partial-line", count: 200 }],
  run,
};

/** In a child process, which can be a mutant: this needs no server, only the history. */
async function run({ count, random, folder, nodeArgs }: Trial): Promise<Finding> {
  const script = fileURLToPath(new URL("history/torn-tail.ts", import.meta.url));
  const trial: ChildTrial = { count, seed: random.seed, folder };
  const { code, stdout, stderr } = await runProgram(process.execPath, [...nodeArgs, script], JSON.stringify(trial));
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Finding;
}
