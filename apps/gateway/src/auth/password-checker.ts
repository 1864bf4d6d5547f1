/** Checks passwords on a thread of its own: bcrypt takes as long as it is meant to, and bytes would wait for it. */

import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { compareSync, getRounds } from "bcryptjs";

interface Check extends PromiseWithResolvers<boolean> {
  readonly password: string;
  readonly hashes: readonly string[];
}

/** Tells the thread what it is. */
const threadName = "passwords";

/** Says whether a password is right, one check at a time; `close` ends that. */
export class PasswordChecker {
  readonly #waiting: Check[] = [];
  #worker: Worker | undefined;
  #isChecking = false;

  /** Those whose check has not begun. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /**
   * Checks a password against the first hash; rejects when the thread has died.
   *
   * @param isFirst true for somebody who has logged in before, and is not to wait behind those who guess
   */
  check(password: string, hashes: readonly string[], isFirst = false): Promise<boolean> {
    const check = { password, hashes, ...Promise.withResolvers<boolean>() };
    this.#waiting.splice(isFirst ? 0 : this.#waiting.length, 0, check);
    if (!this.#isChecking) void this.#checkAll();
    return check.promise;
  }

  close(): void {
    void this.#worker?.terminate();
  }

  async #checkAll(): Promise<void> {
    this.#isChecking = true;
    for (let check = this.#waiting.shift(); check !== undefined; check = this.#waiting.shift()) {
      try {
        const worker = (this.#worker ??= this.#start());
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage([check.password, check.hashes]);
        const [isRight] = (await once(worker, "message")) as [boolean];
        check.resolve(isRight);
      } catch (error) {
        for (const { reject } of [check, ...this.#waiting.splice(0)]) reject(error);
      }
    }
    this.#isChecking = false;
  }

  #start(): Worker {
    const worker = new Worker(new URL(import.meta.url), { workerData: threadName });
    worker.unref();
    worker.on("error", () => (this.#worker = undefined));
    worker.on("exit", () => worker.emit("error", new Error("the thread that checks passwords has ended")));
    return worker;
  }
}

if (workerData === threadName) {
  parentPort?.on("message", ([password, hashes]: [string, readonly string[]]) => {
    const [isRight = false] = hashes.map((hash) => compareSync(password, hash));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    parentPort?.postMessage(isRight);
  });
}

/**
 * The hashes whose checks take together as long as one of the cost `dearest`, so that the time does not tell whether there is
 * such a user: the user's, or one that no password has, then others of its cost, twice its cost and so on.
 */
export function hashesToCheck(known: string | undefined, dearest: number): string[] {
  const hash = known ?? impossibleHash(dearest);
  const cost = getRounds(hash);
  return [hash, ...Array.from({ length: dearest - cost }, (_, at) => impossibleHash(cost + at))];
}

/** The hash of no password: its last characters are chosen, not computed. */
function impossibleHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}`;
}
