/** The system's clock is set under a running server, and between two of them, by libfaketime; the monotonic one goes on. */

import { execFileSync } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { Ledger } from "./history/ledger.ts";
import { recover, storm } from "./history/storm.ts";
import { Writers } from "./history/writers.ts";
import { exchange } from "../../test-support/tcp-client.ts";

/** To what it is set: forms of faketime(1). */
const settings = [
  "+3600",
  "-3600",
  "+0",
  "-0.5",
  "+0.5",
  "@1970-01-01 00:00:01",
  "@2038-01-19 03:14:06",
  "@2040-02-29 12:00:00",
];
const jumpsOfOneServer = 20;
/** Between two of them a silent client comes, whose message ends 250 ms later [W-5]. */
const jumpAfterMs = 100;
const silenceMs = { least: 240, most: 1250 };
/** Of a message that never ends [W-6]. */
const deadlineMs = { least: 9900, most: 11_000 };

export const faultTest: FaultTest = {
  promise: "whatever the clock is set to, the times in the history strictly increase and deadlines keep",
  unit: "times that the clock was set",
  first: 60,
  full: 1000,
  isInCi: false,
  needs: ["faketime"],
  negativeControls: [
    { mutant: "clock-as-it-is", count: 8 },
    { mutant: "wall-clock-deadlines", count: 12 },
  ],
  run,
};

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  const historyPath = join(folder, "history.txt");
  const clock = new SettableClock(folder);
  const ledger = new Ledger();
  const writers = new Writers(ledger, random);
  const violations: string[] = [];
  let deadlines = 0;
  for (let done = 0; done < count; done += jumpsOfOneServer) {
    await clock.set(random);
    await using server = await startServer({ historyPath, nodeArgs, under: clock.under });
    await storm(server, ledger, writers, async () => {
      const unended = timed("brick 1 ", server.port, deadlineMs);
      for (let jump = done; jump < Math.min(count, done + jumpsOfOneServer); jump++) {
        deadlines += 1;
        const silent = timed("brick", server.port, silenceMs);
        await wait(jumpAfterMs);
        const set = await clock.set(random);
        violations.push(...(await silent).map((violation) => `the clock was set to ${set}: ${violation}`));
        progress(jump + 1);
      }
      violations.push(...(await unended));
      deadlines += 1;
      await server.kill("SIGKILL");
    });
    ledger.settle(await recover(historyPath));
  }
  violations.push(...ledger.violations);
  const checked = `${ledger.checked.toLocaleString("en")} acknowledgements looked for, the times of all lines and ${deadlines} deadlines`;
  return { tried: count, checked, violations };
}

/** Sends a message that it does not end, and gives what was wrong with the time of the answer, if one comes at all. */
async function timed(text: string, port: number, { least, most }: typeof silenceMs): Promise<string[]> {
  const { ms, text: reply } = await exchange(port, (socket) => {
    socket.setTimeout(2 * most, () => socket.destroy());
    socket.write(text);
  });
  if (reply !== "" && ms >= least && ms <= most) return [];
  return [`"${text}" was answered with ${reply.length} bytes after ${ms.toFixed(0)} ms, not ${least} to ${most}`];
}

/** A clock that reads how far it is off from a file. */
class SettableClock {
  /** What a program must run under to go by it. */
  readonly under: readonly string[];
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, "clock");
    const library = execFileSync("faketime", ["-f", "+0", "sh", "-c", 'printf %s "$LD_PRELOAD"'], { encoding: "utf8" });
    this.under = [
      "env",
      `LD_PRELOAD=${library}`,
      `FAKETIME_TIMESTAMP_FILE=${this.#path}`,
      "FAKETIME_NO_CACHE=1",
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ];
  }

  /** Sets it to something. */
  async set(random: Random): Promise<string> {
    const to = random.pick(settings);
    await writeFile(`${this.#path}.next`, `${to}\n`);
    await rename(`${this.#path}.next`, this.#path); // At no moment does the file say half of it.
    return to;
  }
}
