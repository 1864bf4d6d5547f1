/** Random sequences of requests, with crashes, held against a model that is an array of lines. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { quoteText } from "@wirebook/protocol";
import { startServer } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { ask } from "../../test-support/tcp-client.ts";

/** Requests of one sequence. */
const stepsEach = 12;
/** The share of sequences in which the server is killed under its last request. */
const crashShare = 0.1;
/** Milliseconds after which it is killed, unless its reply comes before: some are answered, some are not. */
const killAfterMsMax = 4;

const address = "127.0.0.1";
const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const deleteAllShare = 0.04;
const words = ["brick", "brick 2", "brick 77", "no!name", "otter 2 1 1", "\u0007bell", "žluťoučký", "brick 1", "a b c"];

export const faultTest: FaultTest = {
  promise: "the file is, byte by byte, what a model says after every request and after every crash",
  unit: "random sequences of 12 requests",
  first: 2000,
  ci: 80,
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

/** A request, and the line that it deletes: a number, all, or none. */
interface Step {
  readonly message: string;
  readonly deletes: number | "all" | undefined;
}

/** The model of one file. */
class Model {
  #lines: readonly string[] = [];
  #lastTime = "";

  /** The next request, which fits the lines that there are now. */
  choose(random: Random): Step {
    if (random.chance(deleteAllShare)) return { message: "brick 3", deletes: "all" };
    if (random.chance(0.5)) return { message: random.pick(words), deletes: undefined };
    // The request itself is a line by the time it is acted on, so the greatest number is that of itself.
    const line = random.between(1, this.#lines.length + 2);
    const exists = line <= this.#lines.length + 1;
    const head = this.#lines[line - 1]?.split(" ", 1)[0];
    if (head === undefined || random.chance(0.5)) {
      return { message: `brick 1 ${line}`, deletes: exists ? line : undefined };
    }
    if (random.chance(0.5)) return { message: `brick 1 ${line} ${head}`, deletes: line };
    return { message: `brick 1 ${line} 2020-01-01T00:00:00.000001Z`, deletes: undefined };
  }

  /**
   * Takes over what the file holds after a request, if it is what the request must leave.
   *
   * @param isAnswered false when the server died meanwhile: then it may have stopped behind any of its steps
   * @returns what is wrong, if anything is
   */
  follow(step: Step, file: Buffer, isAnswered: boolean): string | undefined {
    const found = file.toString().split("\n").slice(0, -1);
    const stages = this.#stages(step, found);
    const allowed = isAnswered ? stages.slice(-1) : [this.#lines, ...stages];
    const expected = allowed.findLast((lines) => file.equals(encode(lines)));
    if (expected === undefined) {
      return `after ${JSON.stringify(step.message)} the file holds ${JSON.stringify(found)}, not ${JSON.stringify(allowed.at(-1))}`;
    }
    const times = expected.map((line) => line.split(" ", 1)[0] ?? "");
    const isInOrder = times.every((time, at) => timeForm.test(time) && (at === 0 || time > (times[at - 1] ?? "")));
    const last = times.at(-1) ?? this.#lastTime;
    if (!isInOrder || last < this.#lastTime) return `the times do not increase: ${times.join(", ")}`;
    this.#lines = expected;
    this.#lastTime = last;
    return undefined;
  }

  /** What the file holds after each step of a request. Only the times of new lines are taken from what was found. */
  #stages({ message, deletes }: Step, found: readonly string[]): readonly (readonly string[])[] {
    const timeFromEnd = (back: number): string => found.at(-1 - back)?.split(" ", 1)[0] ?? "";
    const asked = (back: number): string => `${timeFromEnd(back)} ${address} ${quoteText(message)}`;
    const logged = [...this.#lines, asked(0)];
    if (deletes === undefined) return [logged];
    if (deletes === "all") return [logged, [`${timeFromEnd(0)} ${address} brick deleted all`]];
    // A request that deletes its own line has left that line's time in the result only.
    const isOwn = deletes === logged.length;
    const ownHead = /\((?<head>[^ ]*)\)$/.exec(found.at(-1) ?? "")?.groups?.["head"] ?? "";
    const head = isOwn ? ownHead : logged[deletes - 1]?.split(" ", 1)[0];
    const result = `${timeFromEnd(0)} ${address} brick deleted line ${deletes} (${head})`;
    return [logged, [...this.#lines, asked(1)].toSpliced(deletes - 1, 1).concat(result)];
  }
}

function encode(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}
