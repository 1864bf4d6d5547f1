/**
 * The one place that changes history.txt.
 *
 * Two things happen to the file: bytes are appended to the current generation and synced, or a rewrite takes its place.
 * Both are synchronous, so nothing comes between. What fails for want of space is undone and may be tried again. Any
 * other failure is final [H-15]: after a failed fdatasync the kernel may call pages clean that never reached the disk,
 * so a descriptor is never synced again, and nothing is acknowledged any more.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { basename } from "node:path";
import { encodeResultEntry } from "@wirebook/protocol";
import { editedMeanwhile, HistoryError } from "../errors.ts";
import { historyFlags, isFull, lineFeed, pauseSync } from "./disk.ts";
import { readFullySync, reasonOf, roomOf, stampFinely, syncFileSync, writeFullySync } from "./disk.ts";
import { Generation } from "./generation.ts";
import { LineIndex } from "./line-index.ts";
import type { MonotonicClock } from "./monotonic-clock.ts";
import type { FileHistorySettings } from "./options.ts";
import { findFreshCopy, keepLines, openSuccessor } from "./rotation.ts";
import { Compaction, Reserve } from "./compaction.ts";

const beforeEditing = "stop the server before you edit its file";
const insteadOfCopying = "with logrotate, use create or nocreate instead of copytruncate";

/** How often the file is looked at again because another program wrote to it during the look before [H-8]. */
export const foreignRoundsMax = 16;

/** Milliseconds that an editor which saves in place is given to finish before the file is looked at again. */
const editPauseMs = 20;

/** Milliseconds without a change after which a file that another program has emptied or replaced counts as finished. */
const restMs = 250;

type Times = Pick<Stats, "mtimeMs" | "ctimeMs">;

/** Stands for the address and the user where another program did it: no user has that name. */
const otherProgram = "-";

/** Lines that another program took away together with their file, while no result line says so yet. */
interface Rotated {
  readonly lines: number;
  readonly file: string;
}

const isUnchanged = (one: Times, other: Times): boolean =>
  one.mtimeMs === other.mtimeMs && one.ctimeMs === other.ctimeMs;

/** A file that belongs to this process, and the generations that it goes through. */
export class FileStorage {
  /** Settles with the error after which nothing is acknowledged; stays open while all is well. Never rejects. */
  readonly failed: Promise<HistoryError>;
  readonly path: string;
  readonly #settings: FileHistorySettings;
  readonly #reserve: Reserve;
  readonly #clock: MonotonicClock;
  readonly #reportFailure: (error: HistoryError) => void;
  readonly #releasing = new Set<Promise<void>>();
  #generation: Generation;
  /** When the file was last changed by this process, as the system has it; any other time is that of another program. */
  #changed: Times;
  #newestTime: string;
  #foreignWrites = 0;
  #rotated: Rotated | undefined;
  #failure: HistoryError | undefined;

  /**
   * @param path the real path: no symbolic link is left in it, since a rename would replace the link
   * @param generation the file as it is, with the newest time of its entries
   */
  constructor(
    path: string,
    generation: Generation,
    newestTime: string,
    clock: MonotonicClock,
    settings: FileHistorySettings,
  ) {
    this.path = path;
    this.#clock = clock;
    this.#newestTime = newestTime;
    this.#settings = settings;
    this.#reserve = new Reserve(path);
    this.#generation = generation;
    this.#changed = fstatSync(generation.fd);
    const { promise, resolve } = Promise.withResolvers<HistoryError>();
    this.failed = promise;
    this.#reportFailure = resolve;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  get generation(): Generation {
    return this.#generation;
  }

  /** Time of the newest entry of this process that is durable: it names the version of the history. */
  get newestTime(): string {
    return this.#newestTime;
  }

  /** How often another program was found to have written to the file. */
  get foreignWrites(): number {
    return this.#foreignWrites;
  }

  /** @throws HistoryError `storage-failed` when it has failed */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Appends whole lines; they are durable when it returns. Call `adoptForeignLines` in the same turn, before.
   *
   * @param time of the last of them
   * @throws HistoryError `storage-full`, `storage-failed`, `line-changed` when another program wrote in this very moment
   */
  append(lines: Uint8Array, time: string): void {
    const { bytes } = this.#generation;
    this.#write(bytes, lines);
    const { size } = this.#noteChange(); // A sync takes so long that others write meanwhile, whose time must not be taken for ours.
    if (size !== bytes + lines.length) {
      this.#changed = { mtimeMs: 0, ctimeMs: 0 }; // The next look counts what is there.
      throw editedMeanwhile();
    }
    this.attempt(() => syncFileSync(this.#generation.fd));
    this.#generation.grow(lines);
    this.#newestTime = time;
    this.#reserve.take();
  }

  /**
   * Takes in what another program has done to the file since the last look [H-8]. What it appended, a note by hand most
   * likely, is kept as external lines and never overwritten. Where it changed what was counted, as an editor does that saves
   * in place, the lines are counted anew. Where it took the file away, the history goes on in the file that the name leads
   * to now, with a result line, in the same turn: a reader finds both or neither.
   *
   * @throws HistoryError `storage-full`, `storage-failed`
   */
  adoptForeignLines(): void {
    let last: Stats | undefined;
    for (let round = 0; ; round++) {
      const named = this.#findNamed();
      const found = this.#generation.isAt(named) ? named : this.#rotate();
      if (this.#isAsLeft(found)) break;
      const { bytes } = this.#generation;
      // Whatever is written behind the lines now, the other program would write over.
      if (round === foreignRoundsMax)
        throw this.#fail(new Error(`another program keeps writing to it; ${beforeEditing}`));
      // An editor empties the file before it writes it, and a copy of it grows.
      const isInTheMaking = found.size < bytes || (bytes === 0 && this.#rotated !== undefined);
      if (!isInTheMaking || (last?.size === found.size && isUnchanged(found, last))) this.#countAnew(found);
      else pauseSync(restMs);
      last = found;
    }
    if (this.#rotated !== undefined) this.#recordRotation(this.#rotated);
  }

  /** True while no other program has written to the file. */
  #isAsLeft(found: Stats): boolean {
    return found.size === this.#generation.bytes && isUnchanged(found, this.#changed);
  }

  /** Takes in a rotation alone, of which no request may come to tell. @throws HistoryError `storage-full`, `storage-failed` */
  adoptRotation(): void {
    if (!this.#generation.isAt(this.#findNamed())) this.adoptForeignLines();
  }

  #findNamed(): Stats | undefined {
    this.assertSound();
    return this.attempt(() => statSync(this.path, { throwIfNoEntry: false }));
  }

  /** Lets the history go on in another file, since the name leads to its file no longer. */
  #rotate(): Stats {
    const old = this.#generation;
    // On a full disk there may be room for them later.
    const { path, sentence } = this.attempt(() => keepLines(old.fd, this.path));
    let fd: number;
    try {
      fd = openSuccessor(this.path, old.fd);
    } catch (error) {
      throw this.#fail(new Error(`${sentence}; no file can take its place: ${reasonOf(error)}`, { cause: error }));
    }
    const found = this.attempt(() => fstatSync(fd));
    if (old.isAt(found)) {
      closeSync(fd); // It was away for a moment only, and is back with all its lines.
      return found;
    }
    this.#settings.onNotice?.(`${this.path}: ${sentence}; the history goes on in a new file, from line 1.`);
    this.#rotated = { lines: old.lines + (this.#rotated?.lines ?? 0), file: path ? basename(path) : otherProgram };
    this.#foreignWrites += 1;
    this.#generation = new Generation(fd, found, new LineIndex(this.#settings.indexBlockBytes));
    this.#changed = found;
    old.end({ kind: "superseded", by: this.#generation, offset: 0 });
    this.#release(old);
    return found;
  }

  /** Writes the line that says that all lines before have gone with their file, for everyone who follows [H-12]. */
  #recordRotation({ lines, file }: Rotated): void {
    const time = this.#clock.next();
    const line = encodeResultEntry(time, otherProgram, otherProgram, { verb: "archived", lines, file });
    if (lines > 0) this.append(Buffer.from(`${line}\n`), time);
    this.#rotated = undefined;
  }

  /** @throws HistoryError `storage-full` when the disk says that it has no room at all */
  assertRoom(): void {
    if (this.attempt(() => roomOf(this.path)) === 0) throw this.#full();
  }

  /** Begins a new file beside the current one. @throws HistoryError `storage-full`, `storage-failed` */
  beginCompaction(): Compaction {
    this.assertSound();
    try {
      return new Compaction(this.path, this.#reserve, this.#generation, this.#settings);
    } catch (error) {
      // Nothing was touched, so this is not final: there may be too many open files, for one.
      if (isFull(error)) throw this.explain(error);
      const sentence = `no file can be written beside ${this.path}: ${reasonOf(error)}`;
      throw new HistoryError("storage-failed", sentence, { cause: error });
    }
  }

  /**
   * Puts a compacted file in the place of the current generation.
   *
   * @param offset where in it the lines begin that are not in the current generation
   * @param time of its last line
   * @throws HistoryError `storage-failed`, `line-changed`
   */
  supersede(compaction: Compaction, offset: number, time: string): void {
    const old = this.#generation;
    const next = this.attempt(() => compaction.publish(old, (found) => old.isAt(found) && this.#isAsLeft(found)));
    this.#generation = next;
    this.#newestTime = time;
    this.#noteChange();
    old.end({ kind: "superseded", by: next, offset });
    this.#release(old);
  }

  /** Runs a step on the disk. @throws HistoryError `storage-full`, `storage-failed` */
  attempt<Result>(step: () => Result): Result {
    try {
      return step();
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** The `HistoryError` for what a step on the disk threw: a full disk is passed over, any other failure is final. */
  explain(error: unknown): HistoryError {
    if (error instanceof HistoryError) return error;
    return isFull(error) ? this.#full(error) : this.#fail(error);
  }

  /** Ends the feeds and lets go of the file; readers that are left may read on to their end. */
  async close(): Promise<void> {
    try {
      // The file may have been removed since the last look, and its lines would go with the descriptor.
      if (this.#failure === undefined) this.adoptRotation();
    } catch (error) {
      this.#settings.onNotice?.(reasonOf(error));
    }
    this.#generation.end({ kind: "closed" });
    this.#release(this.#generation);
    this.#reserve.close();
    await Promise.all(this.#releasing);
  }

  /** Lets go of a generation. If that frees the disk of it, there may be room for the reserve again. */
  #release(generation: Generation): void {
    const released: Promise<void> = generation.release().then(() => {
      this.#releasing.delete(released);
      this.#reserve.take();
    });
    this.#releasing.add(released);
  }

  #write(position: number, bytes: Uint8Array): void {
    try {
      writeFullySync(this.#generation.fd, position, bytes);
    } catch (error) {
      if (isFull(error)) this.#undo(position);
      throw this.explain(error);
    }
  }

  /** Takes back a part of a write. When that fails too, a partial line may be left, behind which nothing may come. */
  #undo(position: number): void {
    try {
      ftruncateSync(this.#generation.fd, position);
      this.#noteChange();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #full(cause?: unknown): HistoryError {
    const sentence = `the disk has no room for ${this.path}; free some space, or delete all lines`;
    return new HistoryError("storage-full", sentence, { cause });
  }

  /**
   * Remembers the file's times as this process left them. The kernel's own times are those of its last clock tick, which
   * another program's write may share, so the file gets one that is finer.
   */
  #noteChange(): Stats {
    const { fd } = this.#generation;
    stampFinely(fd);
    const found = this.attempt(() => fstatSync(fd));
    this.#changed = found;
    return found;
  }

  /**
   * Finds out what another program has changed, by counting all lines anew in one turn: whatever little of the file is
   * looked at, another program may have changed the rest. That takes as long as a start does, and is rare.
   */
  #countAnew(found: Stats): void {
    const { fd, bytes } = this.#generation;
    const { size } = found;
    if (size === 0 && bytes > 0) this.#assertNotCopied(found);
    const isWritten = size !== bytes || found.mtimeMs !== this.#changed.mtimeMs;
    this.#changed = found;
    const isClosed = this.#endsLine(size);
    if (!isClosed) {
      this.#write(size, Uint8Array.of(lineFeed));
      this.#noteChange();
    }
    this.attempt(() => syncFileSync(fd));
    const end = isClosed ? size : size + 1;
    const index = new LineIndex(this.#settings.indexBlockBytes);
    this.attempt(() => index.addFile(fd, Math.min(bytes, end)));
    const isKnown = this.#generation.isIndexedLike(index) && this.#endsLine(bytes);
    this.attempt(() => index.addFile(fd, end));
    if (isWritten) this.#foreignWrites += 1;
    if (isKnown) {
      this.#generation.growTo(index);
      if (size > bytes) this.#notice(`added ${size - bytes} bytes to ${this.path}; they are kept as they are.`);
      else if (isWritten) this.#notice(`changed ${this.path} in place, and no line has moved.`);
    } else {
      this.#replace(index);
      const what = size === 0 ? `emptied ${this.path}` : `changed lines of ${this.path}`;
      const instead = size === 0 ? insteadOfCopying : beforeEditing;
      this.#notice(
        `${what}; its ${index.lines} lines were counted again, and what it took out is gone. Clients that follow must connect again; ${instead}.`,
      );
      pauseSync(editPauseMs); // An editor may still be writing.
    }
  }

  /** Whoever copies a file and then empties it loses the lines that come in between, and the copy says that they were to be kept. */
  #assertNotCopied({ ctimeMs }: Stats): void {
    const copy = this.attempt(() => findFreshCopy(this.path, ctimeMs));
    if (copy === undefined) return;
    const what = `another program has copied it to ${copy} and emptied it, which loses lines that come in between`;
    throw this.#fail(new Error(`${what}; ${insteadOfCopying}`));
  }

  #endsLine(bytes: number): boolean {
    return bytes === 0 || this.attempt(() => readFullySync(this.#generation.fd, bytes - 1, 1))[0] === lineFeed;
  }

  /** Ends a generation whose lines are no longer where its readers look for them, and begins another one on the same file. */
  #replace(index: LineIndex): void {
    const old = this.#generation;
    const fd = this.attempt(() => openSync(this.path, historyFlags));
    const found = this.attempt(() => fstatSync(fd));
    if (!this.#generation.isAt(found)) return closeSync(fd); // The next look finds it.
    this.#generation = new Generation(fd, found, index);
    old.end({ kind: "edited", error: editedMeanwhile() });
    this.#release(old);
  }

  #notice(what: string): void {
    this.#settings.onNotice?.(`Another program ${what}`);
  }

  #fail(cause: unknown): HistoryError {
    if (this.#failure !== undefined) return this.#failure;
    const sentence = `${this.path} cannot be trusted to keep what is written: ${reasonOf(cause)}`;
    this.#failure = new HistoryError("storage-failed", sentence, { cause });
    this.#generation.end({ kind: "failed", error: this.#failure });
    this.#reportFailure(this.#failure);
    return this.#failure;
  }
}
