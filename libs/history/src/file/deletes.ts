/**
 * Deletes: one rewrite after another, each shared by all deletes that were waiting when it began [H-11].
 *
 * The file is copied without the lines to be deleted while appends go on in the old one. Then, in one turn, what came
 * meanwhile is copied as well, the results are written behind it, and the new file takes the place of the old.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { decodeText, encodeResultEntry, timestampOf } from "@wirebook/protocol";
import type { EntryResult } from "@wirebook/protocol";
import { editedMeanwhile, lineChanged, noSuchLine } from "../errors.ts";
import type { Actor, AppendResult } from "../history.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Generation } from "./generation.ts";
import type { Compaction } from "./compaction.ts";
import type { MonotonicClock } from "./monotonic-clock.ts";
import type { FileStorage } from "./storage.ts";

/**
 * How often a rewrite copies what was appended while it copied, before it copies the rest in one turn. Each round has
 * less to copy than the one before, unless appends come faster than they can be copied.
 */
const catchUpRoundsMax = 8;

/** Bytes of a line that are read to know its timestamp: more than the 64 characters that `timestampOf` keeps can take. */
const timestampBytes = 512;

/** A delete that has neither taken effect nor been refused. */
interface Deletion {
  readonly by: Actor;
  /** A position at the moment it takes effect, or all lines. */
  readonly line: number | "all";
  /** The first word that the line must have. */
  readonly timestamp: string | undefined;
  readonly resolve: (written: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** A line to be left out, found before the rewrite begins. */
interface Removal {
  readonly deletion: Deletion;
  /** The line's position as the delete names it, which counts the removals before it. */
  readonly line: number;
  readonly timestamp: string;
  readonly start: number;
  readonly end: number;
}

/** What becomes of each delete of a batch. */
interface Plan {
  readonly removals: readonly Removal[];
  /** Deletes for the next compaction. */
  readonly deferred: readonly Deletion[];
}

/** The deletes of one history. */
export class Deletes {
  readonly #storage: FileStorage;
  readonly #clock: MonotonicClock;
  readonly #appends: GroupCommit;
  #waiting: Deletion[] = [];
  #running: Promise<void> | undefined;

  constructor(storage: FileStorage, clock: MonotonicClock, appends: GroupCommit) {
    this.#storage = storage;
    this.#clock = clock;
    this.#appends = appends;
  }

  /** Takes a delete; resolves when its result is durable. */
  add(request: Pick<Deletion, "by" | "line" | "timestamp">): Promise<AppendResult> {
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
        await this.#compact(async (compaction) => {
          const copied = await this.#copyWithout(removals, compaction);
          this.#finishLines(foreignWrites, removals, compaction, copied);
        });
      }
    } catch (error) {
      for (const { reject } of concerned) reject(error);
    }
  }

  async #deleteAll({ by, resolve, reject }: Deletion): Promise<void> {
    try {
      await this.#compact((compaction) => resolve(this.#finishAll(by, compaction)));
    } catch (error) {
      reject(error);
    }
  }

  /** Runs the work on a new file. @throws HistoryError; the history is then as it was, or has failed */
  async #compact(work: (compaction: Compaction) => void | Promise<void>): Promise<void> {
    const compaction = this.#storage.beginCompaction();
    try {
      await work(compaction);
    } catch (error) {
      const refusal = this.#storage.explain(error);
      await compaction.abandon();
      throw refusal;
    }
  }

  /** Copies what is kept; returns how far in the current generation it came. */
  async #copyWithout(removals: readonly Removal[], compaction: Compaction): Promise<number> {
    const { generation } = this.#storage;
    const check = (): void => this.#storage.assertSound();
    let at = 0;
    for (const { start, end } of removals.toSorted((one, other) => one.start - other.start)) {
      await compaction.copy(at, start, check);
      at = end;
    }
    for (let round = 0; round < catchUpRoundsMax && at < generation.bytes; round++) {
      const end = generation.bytes;
      await compaction.copy(at, end, check);
      at = end;
    }
    await compaction.sync();
    return at;
  }

  /**
   * The closing step, in one turn.
   *
   * @param foreignWrites as many as there were when the lines were looked for
   * @throws HistoryError `line-changed` when another program wrote since: the copy may hold what it changed, or cut a line
   */
  #finishLines(foreignWrites: number, removals: readonly Removal[], compaction: Compaction, copied: number): void {
    this.#settleAppends();
    if (this.#storage.foreignWrites !== foreignWrites) throw editedMeanwhile();
    const { generation } = this.#storage;
    compaction.copySync(copied, generation.bytes);
    const offset = compaction.bytes;
    const results = removals.map(({ deletion, line, timestamp }) => {
      const time = this.#writeResult(compaction, deletion.by, { verb: "deleted-line", line, head: timestamp });
      return { deletion, time };
    });
    this.#storage.supersede(compaction, offset, results.at(-1)?.time ?? this.#storage.newestTime);
    // One line less and one more: at its moment, each result stands where the last line stood.
    for (const { deletion, time } of results) deletion.resolve({ position: generation.lines, time });
  }

  #finishAll(by: Actor, compaction: Compaction): AppendResult {
    this.#settleAppends();
    const time = this.#writeResult(compaction, by, { verb: "deleted-all" });
    this.#storage.supersede(compaction, 0, time);
    return { position: 1, time };
  }

  /** Appends that wait have their times already, and those must come before the times of results [H-2]. */
  #settleAppends(): void {
    this.#appends.commit();
    this.#storage.adoptForeignLines();
  }

  #writeResult(compaction: Compaction, { address, user }: Actor, result: EntryResult): string {
    const time = this.#clock.next();
    compaction.add(Buffer.from(`${encodeResultEntry(time, address, user, result)}\n`));
    return time;
  }
}

/**
 * Finds the lines of the deletes, each as the history stands after those before it, and rejects those that name none.
 *
 * Each delete takes a line and writes one, its result, so the count of lines stays the same. One that names an result
 * of this very batch, which is nowhere yet, is deferred together with all that follow it.
 *
 * @throws HistoryError `storage-failed`
 */
async function planRemovals(generation: Generation, deletions: readonly Deletion[]): Promise<Plan> {
  const { lines } = generation;
  const removals: Removal[] = [];
  const removed: number[] = [];
  for (const [at, deletion] of deletions.entries()) {
    const line = Number(deletion.line);
    if (!Number.isSafeInteger(line) || line < 1 || line > lines) {
      deletion.reject(noSuchLine(line, lines));
      continue;
    }
    const original = originalOf(line, removed);
    if (original > lines) return { removals, deferred: deletions.slice(at) };
    const removal = await findRemoval(generation, deletion, line, original);
    if (removal === undefined) continue;
    removals.push(removal);
    removed.splice(removed.findLastIndex((other) => other < original) + 1, 0, original);
  }
  return { removals, deferred: [] };
}

/** Where a line stood before the others were removed, whose positions are given in ascending order. */
function originalOf(line: number, removed: readonly number[]): number {
  let original = line;
  for (const other of removed) {
    if (other > original) break;
    original += 1;
  }
  return original;
}

async function findRemoval(
  generation: Generation,
  deletion: Deletion,
  line: number,
  original: number,
): Promise<Removal | undefined> {
  const start = await generation.startOf(original);
  const end = await generation.startOf(original + 1);
  const bytes = await generation.read(start, Math.min(timestampBytes, end - start));
  const timestamp = timestampOf(decodeText(bytes));
  if (deletion.timestamp !== undefined && timestampOf(deletion.timestamp) !== timestamp) {
    deletion.reject(lineChanged(line, timestamp, deletion.timestamp));
    return undefined;
  }
  return { deletion, line, timestamp, start, end };
}
