/** Random sequences of requests, with crashes, held against a model that is an array of lines. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { ask } from "../../test-support/tcp-client.ts";
import { Model } from "./history/model.ts";

/** Requests of one sequence. */
const stepsEach = 12;
/** The share of sequences in which the server is killed under its last request. */
const crashShare = 0.1;
/** Milliseconds after which it is killed, unless its reply comes before: some are answered, some are not. */
const killAfterMsMax = 4;

export const faultTest: FaultTest = {
  promise: "the file is, byte by byte, what a model says after every request and after every crash",
  unit: "random sequences of 12 requests",
  first: 2000,
  ci: 200,
  full: 100_000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "early-acknowledgement", count: 20 }],
  run,
};

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  const model = new Model();
  const violations: string[] = [];
  let requests = 0;
  let crashes = 0;
  let answered = 0;
  for (let done = 0; done < count && violations.length === 0;) {
    await using server = await startServer({ historyPath, nodeArgs });
    for (let isUp = true; isUp && done < count && violations.length === 0; done++) {
      isUp = !random.chance(crashShare);
      for (let at = 0; at < stepsEach && violations.length === 0; at++) {
        const step = model.choose(random);
        const dies = !isUp && at === stepsEach - 1;
        const replying = ask(server.port, step.message);
        if (dies) {
          await Promise.race([replying, wait(random.below(killAfterMsMax))]);
          await server.kill("SIGKILL");
        }
        const reply = await replying;
        requests += 1;
        // How far the request has come when the server dies is up to the kernel, and the model allows each stage; but a
        // reply, also one that came just before, is proof of all that it tells.
        const isAnswered = !dies || reply !== "";
        if (dies && isAnswered) answered += 1;
        const wrong = model.follow(step, await readFile(historyPath), isAnswered);
        if (wrong !== undefined) violations.push(wrong);
        if (dies) crashes += 1;
      }
      progress(done + 1);
    }
  }
  const checked = `${requests.toLocaleString("en")} requests and ${crashes.toLocaleString("en")} crashes compared, ${answered.toLocaleString("en")} of them behind a reply`;
  return { tried: count, checked, violations };
}
