/**
 * Says whether a password is a user's.
 *
 * One check runs at a time, on its own thread, and a bounded number wait. Every check takes the same time, that of the
 * dearest hash of the file: an unknown name is checked against a hash that no password has, and a cheap hash is followed by
 * such hashes of its cost, twice its cost and so on, which add up to the dearest.
 */

import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { GatewayLimits } from "../limits.ts";
import type { PasswordJob, PasswordVerdict } from "./password-worker.ts";
import { costOf } from "./users-file.ts";
import type { UsersFile } from "./users-file.ts";

/** The checks of one gateway; `close` ends their thread. */
export class PasswordChecker {
  readonly #users: UsersFile;
  readonly #limits: GatewayLimits;
  readonly #waiting = new Map<number, PromiseWithResolvers<boolean>>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(users: UsersFile, limits: GatewayLimits) {
    this.#users = users;
    this.#limits = limits;
  }

  /** True when no further check may wait. */
  get isBusy(): boolean {
    return this.#waiting.size >= this.#limits.passwordChecksMax;
  }

  /** Checks a password; rejects when its thread has died. */
  async check(user: string, password: string): Promise<boolean> {
    const known = this.#users.hashOf(user);
    const hashes = hashesToCheck(known, this.#users.cost);
    return (await this.#run({ id: ++this.#lastId, password, hashes })) && known !== undefined;
  }

  close(): void {
    void this.#worker?.terminate();
  }

  #run(job: PasswordJob): Promise<boolean> {
    const verdict = Promise.withResolvers<boolean>();
    this.#waiting.set(job.id, verdict);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    (this.#worker ??= this.#start()).postMessage(job);
    return verdict.promise;
  }

  #start(): Worker {
    // A package has both files as JavaScript.
    const worker = new Worker(new URL(`./password-worker${extname(import.meta.url)}`, import.meta.url));
    worker.unref();
    worker.on("message", ({ id, isRight }: PasswordVerdict) => {
      this.#waiting.get(id)?.resolve(isRight);
      this.#waiting.delete(id);
    });
    const fail = (error: unknown): void => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on("error", fail);
    worker.on("exit", () => fail(new Error("the thread that checks passwords has ended")));
    return worker;
  }
}

/**
 * The hashes whose checks, one after another, take as long as one of the cost `dearest`, and tell of the first.
 *
 * @param known the user's, if there is such a user
 */
export function hashesToCheck(known: string | undefined, dearest: number): string[] {
  const hash = known ?? impossibleHash(dearest);
  const cost = costOf(hash);
  const others = Array.from({ length: Math.max(0, dearest - cost) }, (_, at) => impossibleHash(cost + at));
  return [hash, ...others];
}

/** A hash of that cost which is the hash of no password: its last characters are chosen, not computed. */
function impossibleHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}`;
}
