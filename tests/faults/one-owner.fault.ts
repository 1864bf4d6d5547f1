/** Many servers start at once on one history, half of them through a symbolic link. */

import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const startersAtOnce = 20;
/** How much longer than by itself a start may take behind a server that was killed. */
const takeOverMsMax = 1000;

export const faultTest: FaultTest = {
  promise: "a history has one server, and the next one has it at once when that one is killed",
  unit: "rounds of 20 starts",
  first: 10,
  full: 200,
  isInCi: false,
  needs: ["flock"],
  negativeControls: [{ mutant: "ignored-lock", count: 1 }],
  run,
};

async function run({ count, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const violations: string[] = [];
  const names = [join(folder, "history.txt"), join(folder, "link.txt")];
  await symlink("history.txt", join(folder, "link.txt"));
  let slowestMs = 0;
  for (let done = 0; done < count; done++) {
    const starts = await Promise.all(
      Array.from({ length: startersAtOnce }, (_, at) => start(names[at % 2] as string, nodeArgs)),
    );
    const up = starts.filter((one) => one.server !== undefined);
    if (up.length !== 1) violations.push(`in round ${done + 1}, ${up.length} of ${startersAtOnce} were up at once`);
    violations.push(...starts.flatMap(({ refusal }) => (refusal?.includes("is in use by") === false ? [refusal] : [])));
    const alone = await timeStart(join(folder, `alone-${done}.txt`), nodeArgs);
    for (const { server } of up) await server?.kill("SIGKILL");
    const next = await timeStart(names[0] as string, nodeArgs);
    slowestMs = Math.max(slowestMs, next - alone);
    if (next - alone > takeOverMsMax)
      violations.push(`behind a killed server the next start took ${next - alone} ms longer`);
    progress(done + 1);
  }
  const figures = { "taking over took at most ms longer": slowestMs.toFixed(0) };
  return { tried: count, checked: "each start either up or refused with the owner's number", violations, figures };
}

interface Started {
  readonly server?: ServerProgram;
  readonly refusal?: string;
}

async function start(historyPath: string, nodeArgs: readonly string[]): Promise<Started> {
  try {
    return { server: await startServer({ historyPath, nodeArgs }) };
  } catch (error) {
    return { refusal: (error as Error).message };
  }
}

async function timeStart(historyPath: string, nodeArgs: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  await using server = await startServer({ historyPath, nodeArgs });
  void server;
  return performance.now() - startedMs;
}
