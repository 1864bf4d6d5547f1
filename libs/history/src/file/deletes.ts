/**
 * Deletes: one rewrite after another, each shared by all deletes that were waiting when it began [H-11].
 *
 * The file is copied without the lines to be deleted while appends go on in the old one. Then, in one turn, what came
 * meanwhile is copied as well, the outcomes are written behind it, and the new file takes the place of the old.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { encodeResultEntry } from "@wirebook/protocol";
import type { Outcome } from "@wirebook/protocol";
import type { Actor, AppendResult } from "../history.ts";
import { catchUpRoundsMax } from "../limits.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Deletion } from "./deletion.ts";
import { planRemovals } from "./removals.ts";
import type { Removal } from "./removals.ts";
import type { Compaction } from "./compaction.ts";
import type { MonotonicClock } from "./monotonic-clock.ts";
import { editedMeanwhile } from "./storage.ts";
import type { FileStorage } from "./storage.ts";

/** The deletes of one history. */
export class Deletes {
  readonly #storage: FileStorage;
  readonly #stamper: MonotonicClock;
  readonly #appends: GroupCommit;
  #waiting: Deletion[] = [];
  #running: Promise<void> | undefined;

  constructor(storage: FileStorage, stamper: MonotonicClock, appends: GroupCommit) {
    this.#storage = storage;
    this.#stamper = stamper;
    this.#appends = appends;
  }

  /** Takes a delete; resolves when its outcome is durable. */
  add(request: Pick<Deletion, "by" | "line" | "head">): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...request, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when none is left. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await nextTurn();
      await this.#appends.settled();
      const batch = this.#take();
      const [first] = batch;
      await (first?.line === "all" ? this.#deleteAll(first) : this.#deleteLines(batch));
    }
    this.#running = undefined;
  }

  /** The deletes of single lines that are waiting, up to a delete of all, which goes by itself. */
  #take(): Deletion[] {
    const first = this.#waiting.findIndex(({ line }) => line === "all");
    const count = first < 0 ? this.#waiting.length : Math.max(first, 1);
    return this.#waiting.splice(0, count);
  }

  async #deleteLines(batch: readonly Deletion[]): Promise<void> {
    let concerned = batch;
    try {
      this.#storage.adoptForeignLines();
      const { generation, foreignWrites } = this.#storage;
      const { removals, deferred } = await planRemovals(generation, batch);
      this.#waiting.unshift(...deferred);
      concerned = removals.map(({ deletion }) => deletion);
      if (removals.length > 0) {
        await this.#rewrite(async (rewrite) => {
          const copied = await this.#copyWithout(removals, rewrite);
          this.#finishLines(foreignWrites, removals, rewrite, copied);
        });
      }
    } catch (error) {
      for (const { reject } of concerned) reject(error);
    }
  }

  async #deleteAll({ by, resolve, reject }: Deletion): Promise<void> {
    try {
      await this.#rewrite((rewrite) => resolve(this.#finishAll(by, rewrite)));
    } catch (error) {
      reject(error);
    }
  }

  /** Runs the work on a new file. @throws HistoryError; the history is then as it was, or has failed */
  async #rewrite(work: (rewrite: Compaction) => void | Promise<void>): Promise<void> {
    const rewrite = this.#storage.beginRewrite();
    try {
      await work(rewrite);
    } catch (error) {
      const refusal = this.#storage.explain(error);
      await rewrite.abandon();
      throw refusal;
    }
  }

  /** Copies what is kept; returns how far in the current generation it came. */
  async #copyWithout(removals: readonly Removal[], rewrite: Compaction): Promise<number> {
    const { generation } = this.#storage;
    const check = (): void => this.#storage.assertSound();
    let at = 0;
    for (const { start, end } of removals.toSorted((one, other) => one.start - other.start)) {
      await rewrite.copy(at, start, check);
      at = end;
    }
    for (let round = 0; round < catchUpRoundsMax && at < generation.bytes; round++) {
      const end = generation.bytes;
      await rewrite.copy(at, end, check);
      at = end;
    }
    await rewrite.sync();
    return at;
  }

  /**
   * The closing step, in one turn.
   *
   * @param foreignWrites as many as there were when the lines were looked for
   * @throws HistoryError `line-changed` when another program wrote since: the copy may hold what it changed, or cut a line
   */
  #finishLines(foreignWrites: number, removals: readonly Removal[], rewrite: Compaction, copied: number): void {
    this.#settleAppends();
    if (this.#storage.foreignWrites !== foreignWrites) throw editedMeanwhile();
    const { generation } = this.#storage;
    rewrite.copySync(copied, generation.bytes);
    const offset = rewrite.bytes;
    const outcomes = removals.map(({ deletion, line, head }) => {
      const time = this.#writeOutcome(rewrite, deletion.by, { verb: "deleted-line", line, head });
      return { deletion, time };
    });
    this.#storage.supersede(rewrite, offset);
    // One line less and one more: at its moment, each outcome stands where the last line stood.
    for (const { deletion, time } of outcomes) deletion.resolve({ position: generation.lines, time });
  }

  #finishAll(by: Actor, rewrite: Compaction): AppendResult {
    this.#settleAppends();
    const time = this.#writeOutcome(rewrite, by, { verb: "deleted-all" });
    this.#storage.supersede(rewrite, 0);
    return { position: 1, time };
  }

  /** Appends that wait have their times already, and those must come before the times of outcomes [H-2]. */
  #settleAppends(): void {
    this.#appends.commit();
    this.#storage.adoptForeignLines();
  }

  #writeOutcome(rewrite: Compaction, { address, user }: Actor, outcome: Outcome): string {
    const time = this.#stamper.next();
    rewrite.add(Buffer.from(`${encodeResultEntry(time, address, user, outcome)}\n`));
    return time;
  }
}
