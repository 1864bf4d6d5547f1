/** What a history must hold, by the simplest means: an array of lines. */

import { Buffer } from "node:buffer";
import { quoteText } from "@wirebook/protocol";
import type { Random } from "../../../test-support/random.ts";

/** A request, and the line that it deletes: a number, all, or none. */
export interface Step {
  readonly message: string;
  readonly deletes: number | "all" | undefined;
}

const address = "127.0.0.1";
const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const deleteAllShare = 0.04;
const words = ["brick", "brick 2", "brick 77", "no!name", "otter 2 1 1", "\u0007bell", "žluťoučký", "brick 1", "a b c"];

/** The model of one file. */
export class Model {
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
