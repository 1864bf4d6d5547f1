/** No reply before its line is on the disk, as the kernel saw it: every system call of the server is audited. */

import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { exchange, inTurns } from "../../test-support/tcp-client.ts";

const calls = "read,write,writev,sendmsg,pwrite64,fdatasync";

export const faultTest: FaultTest = {
  promise: "no byte of a reply is written before the fdatasync of the request's line has returned",
  unit: "requests",
  first: 2000,
  full: 50_000,
  isInCi: true,
  needs: ["strace"],
  negativeControls: [{ mutant: "early-acknowledgement", count: 100 }],
  run,
};

async function run({ count, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const trace = join(folder, "trace.txt");
  // As a grandchild, so that a signal to stop reaches the server and not strace.
  const under = ["strace", "-D", "-f", "-s", "100000", "-e", `trace=${calls}`, "-o", trace];
  const violations: string[] = [];
  {
    await using server = await startServer({ nodeArgs, under });
    await inTurns(count, 16, async (number) => {
      const { text, error } = await exchange(server.port, `user${number}\n`);
      if (!text.includes("Operations: ") || error !== undefined)
        violations.push(`request ${number} got ${text} (${error})`);
      progress(number + 1);
    });
  }
  while (!(await readFile(trace, "utf8")).includes("+++ exited with 0 +++")) await wait(20);
  const audit = new Audit();
  for await (const line of createInterface({ input: createReadStream(trace) })) audit.take(line);
  if (audit.replies < count) violations.push(`the trace shows ${audit.replies} replies of ${count}`);
  const checked = `${audit.replies.toLocaleString("en")} replies in the trace, behind ${audit.syncs} syncs`;
  return { tried: count, checked, violations: [...violations, ...audit.violations] };
}

/** Follows each message by the descriptor on which it was read, until something is written there. */
export class Audit {
  readonly violations: string[] = [];
  replies = 0;
  syncs = 0;
  readonly #cut = new Map<string, string>();
  readonly #asked = new Map<string, string>();
  readonly #written = new Set<string>();
  readonly #durable = new Set<string>();

  /** A line of the trace; what a call of another thread interrupted is put together again. */
  take(line: string): void {
    const [, thread = "", call = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (call.endsWith("<unfinished ...>")) {
      this.#cut.set(thread, call.slice(0, -"<unfinished ...>".length).trimEnd());
      this.#begin(call);
      return;
    }
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(call)?.[1];
    if (rest === undefined) this.#begin(call);
    this.#end(rest === undefined ? call : (this.#cut.get(thread) ?? "") + rest);
  }

  /** A reply counts from the moment in which its call begins. */
  #begin(call: string): void {
    const fd = /^(?:write|writev|sendmsg)\((\d+)/.exec(call)?.[1];
    const user = fd === undefined ? undefined : this.#asked.get(fd);
    if (fd === undefined || user === undefined) return;
    this.#asked.delete(fd);
    this.replies += 1;
    if (!this.#durable.has(user)) this.violations.push(`${user} was answered before its line was synced`);
  }

  /** A line counts as durable when the call that syncs it has returned. */
  #end(call: string): void {
    const [, fd, user] = /^read\((\d+), "(user\d+)\\n"/.exec(call) ?? [];
    if (fd !== undefined && user !== undefined) this.#asked.set(fd, user);
    if (call.startsWith("pwrite64(")) {
      for (const [, written = ""] of call.matchAll(/\\"(user\d+)\\"/g)) this.#written.add(written);
    }
    if (/^fdatasync\(\d+\)\s+= 0/.test(call)) {
      this.syncs += 1;
      for (const written of this.#written) this.#durable.add(written);
      this.#written.clear();
    }
  }
}
