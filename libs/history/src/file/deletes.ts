/**
 * Deletes and archivings: one rewrite after another, each shared by all deletes of lines that were waiting when it
 * began [H-11].
 *
 * The file is copied without the lines to be deleted while appends go on in the old one. Then, in one turn, what came
 * meanwhile is copied as well, the results are written behind it, and the new file takes the place of the old.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { rmSync } from "node:fs";
import { basename } from "node:path";
import { decodeText, encodeResultEntry, timestampOf } from "@wirebook/protocol";
import type { EntryResult, Keep } from "@wirebook/protocol";
import { editedMeanwhile, lineChanged, noSuchLine } from "../errors.ts";
import type { Actor, Archived, AppendResult } from "../history.ts";
import { countLinesToArchive, writeArchive } from "./archive.ts";
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

/** A delete of a line that has neither taken effect nor been refused. */
interface Deletion {
  readonly by: Actor;
  /** A position at the moment it takes effect. */
  readonly line: number;
  /** The first word that the line must have. */
  readonly timestamp: string | undefined;
  readonly resolve: (written: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** What needs a rewrite of its own. Never rejects. */
type Job = () => Promise<void>;

interface Bytes {
  readonly start: number;
  readonly end: number;
}

/** A line to be left out, found before the rewrite begins. */
interface Removal extends Bytes {
  readonly deletion: Deletion;
  /** The line's position as the delete names it, which counts the removals before it. */
  readonly line: number;
  readonly timestamp: string;
}

/** What becomes of each delete of a batch. */
interface Plan {
  readonly removals: readonly Removal[];
  /** Deletes for the next compaction. */
  readonly deferred: readonly Deletion[];
}

export class Deletes {
  readonly #storage: FileStorage;
  readonly #clock: MonotonicClock;
  readonly #appends: GroupCommit;
  readonly #pieceBytes: number;
  #waiting: (Deletion | Job)[] = [];
  #running: Promise<void> | undefined;

  constructor(storage: FileStorage, clock: MonotonicClock, appends: GroupCommit, pieceBytes: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#appends = appends;
    this.#pieceBytes = pieceBytes;
  }

  deleteLine(by: Actor, line: number, timestamp: string | undefined): Promise<AppendResult> {
    return new Promise((resolve, reject) => this.#add({ by, line, timestamp, resolve, reject }));
  }

  deleteAll(by: Actor): Promise<AppendResult> {
    return this.#addJob(() => this.#deleteAll(by));
  }

  archive(by: Actor, keep: Keep): Promise<Archived> {
    return this.#addJob(() => this.#archive(by, keep));
  }

  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #addJob<Result>(job: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => this.#add(() => job().then(resolve, reject)));
  }

  #add(work: Deletion | Job): void {
    this.#waiting.push(work);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await nextTurn();
      await this.#appends.settled();
      const deletions = this.#takeDeletions();
      if (deletions.length > 0) await this.#deleteLines(deletions);
      else await (this.#waiting.shift() as Job)();
    }
    this.#running = undefined;
  }

  /** The deletes of single lines that are waiting, up to the first job. */
  #takeDeletions(): Deletion[] {
    const first = this.#waiting.findIndex((work) => typeof work === "function");
    return this.#waiting.splice(0, first < 0 ? this.#waiting.length : first) as Deletion[];
  }

  async #deleteLines(batch: readonly Deletion[]): Promise<void> {
    let concerned = batch;
    try {
      await this.#holdGeneration(async (generation, foreignWrites) => {
        const { removals, deferred } = await planRemovals(generation, batch);
        this.#waiting.unshift(...deferred);
        concerned = removals.map(({ deletion }) => deletion);
        if (removals.length === 0) return;
        await this.#compact(async (compaction) => {
          const copied = await this.#copyWithout(removals, compaction);
          this.#finishLines(foreignWrites, removals, compaction, copied);
        });
      });
    } catch (error) {
      for (const { reject } of concerned) reject(error);
    }
  }

  async #deleteAll(by: Actor): Promise<AppendResult> {
    return this.#compact((compaction) => {
      this.#storage.adoptForeignLines();
      const time = this.#writeResult(compaction, by, { verb: "deleted-all" });
      this.#storage.supersede(compaction, 0, time);
      return { position: 1, time };
    });
  }

  /** First the lines into their own file, durably, then a history without them. */
  #archive(by: Actor, keep: Keep): Promise<Archived> {
    return this.#holdGeneration(async (generation, foreignWrites) => {
      const lines = await countLinesToArchive(generation, keep, this.#pieceBytes);
      if (lines === 0) return { lines, file: "" };
      const end = await generation.startOf(lines + 1);
      const path = await writeArchive(this.#storage.path, generation, end, this.#pieceBytes);
      const file = basename(path);
      try {
        await this.#compact(async (compaction) => {
          const copied = await this.#copyWithout([{ start: 0, end }], compaction);
          const offset = this.#finishCopy(foreignWrites, compaction, copied);
          const time = this.#writeResult(compaction, by, { verb: "archived", lines, file });
          this.#storage.supersede(compaction, offset, time);
        });
      } catch (error) {
        // After a failure of the disk, which file the name leads to is not known.
        if (!this.#storage.hasFailed) rmSync(path, { force: true });
        throw error;
      }
      return { lines, file };
    });
  }

  /** Runs the work on the current generation, whose file stays open even when another program takes it away. */
  async #holdGeneration<Result>(
    work: (generation: Generation, foreignWrites: number) => Promise<Result>,
  ): Promise<Result> {
    this.#storage.adoptForeignLines();
    const { generation, foreignWrites } = this.#storage;
    generation.retain();
    try {
      return await work(generation, foreignWrites);
    } finally {
      await generation.release();
    }
  }

  /** Runs the work on a new file. @throws HistoryError; the history is then as it was, or has failed */
  async #compact<Result>(work: (compaction: Compaction) => Result | Promise<Result>): Promise<Result> {
    const compaction = this.#storage.beginCompaction();
    try {
      return await work(compaction);
    } catch (error) {
      const refusal = this.#storage.explain(error);
      await compaction.abandon();
      throw refusal;
    }
  }

  /** Copies what is kept; returns how far in the current generation it came. */
  async #copyWithout(removals: readonly Bytes[], compaction: Compaction): Promise<number> {
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

  /** The closing step, in one turn. @throws HistoryError as `#finishCopy` */
  #finishLines(foreignWrites: number, removals: readonly Removal[], compaction: Compaction, copied: number): void {
    const offset = this.#finishCopy(foreignWrites, compaction, copied);
    const { lines } = this.#storage.generation;
    const results = removals.map(({ deletion, line, timestamp }) => {
      const time = this.#writeResult(compaction, deletion.by, { verb: "deleted-line", line, head: timestamp });
      return { deletion, time };
    });
    this.#storage.supersede(compaction, offset, results.at(-1)?.time ?? this.#storage.newestTime);
    // One line less and one more: at its moment, each result stands where the last line stood.
    for (const { deletion, time } of results) deletion.resolve({ position: lines, time });
  }

  /**
   * Copies, in the turn in which the new file takes the place of the old one, what was appended meanwhile; returns how many
   * bytes were copied in all.
   *
   * @param foreignWrites as many as there were when the lines were looked for
   * @throws HistoryError `line-changed` when another program wrote since: the copy may hold what it changed, or cut a line
   */
  #finishCopy(foreignWrites: number, compaction: Compaction, copied: number): number {
    this.#storage.adoptForeignLines();
    if (this.#storage.foreignWrites !== foreignWrites) throw editedMeanwhile();
    compaction.copySync(copied, this.#storage.generation.bytes);
    return compaction.bytes;
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
    const { line } = deletion;
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
