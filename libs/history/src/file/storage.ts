/**
 * The one place that changes history.txt.
 *
 * Two things happen to the file: lines are appended to the current generation and synced, or a rewrite takes its place.
 * Both are synchronous, so nothing comes between. What fails for want of space is undone and may be tried again. Any
 * other failure is final [H-15]: after a failed fdatasync the kernel may call pages clean that never reached the disk,
 * so a descriptor is never synced again, and nothing is acknowledged any more.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, statfsSync, statSync, type Stats } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import { encodeResultEntry } from "@wirebook/protocol";
import { editedMeanwhile, HistoryError } from "../errors.ts";
import { readChunkBytesDefault } from "../history.ts";
import { Reserve } from "./compaction.ts";
import { historyFlags, isFull, lineFeed, pauseSync } from "./disk.ts";
import { readFullySync, reasonOf, stampFinely, syncFileSync, writeFullySync } from "./disk.ts";
import { Generation, type EndState } from "./generation.ts";
import { LineIndex } from "./line-index.ts";
import type { MonotonicClock } from "./monotonic-clock.ts";
import { findFreshCopy, keepLines, openSuccessor } from "./rotation.ts";

/** Bounds of a history in a file that a test makes small; no program changes them. */
export const fileHistoryDefaults = Object.freeze({
  readChunkBytes: readChunkBytesDefault,
  /** Bytes of the file for which the index in memory holds one number: the count of line feeds before them. */
  indexBlockBytes: 16 * 1024,
  /** Milliseconds between two checks, while no request comes, of files that another program may have changed. */
  lookMs: 1000,
  /** Bytes that a rewrite copies at a time; appends get their turn between two pieces. */
  rewritePieceBytes: 1024 * 1024,
});

type Bounds = Readonly<Record<keyof typeof fileHistoryDefaults, number>>;

export interface FileHistoryOptions extends Partial<Bounds> {
  /** Told, in whole sentences, what was recovered or found that a person should know. Must not throw. */
  readonly onNotice?: (sentence: string) => void;
  /** The time in whole microseconds since 1970; it may stand still or step back [H-2]. For tests. */
  readonly clock?: () => number;
}

export type FileHistorySettings = Bounds & Pick<FileHistoryOptions, "onNotice">;

const beforeEditing = "stop the server before you edit its file";
const insteadOfCopying = "with logrotate, use create or nocreate instead of copytruncate";

/** How often the file is looked at again because another program wrote to it during the look before [H-8]. */
export const foreignRoundsMax = 16;

/** Milliseconds that an editor which saves in place is given to finish before the file is looked at again. */
const editPauseMs = 20;

/** Milliseconds without a change after which a file that another program has emptied or replaced counts as finished. */
const restMs = 250;

/** Stands for the address and the user where another program did it: no user has that name. */
const otherProgram = "-";

const isUnchanged = (one: Stats, other: Stats | undefined): boolean =>
  one.size === other?.size && one.mtimeMs === other.mtimeMs && one.ctimeMs === other.ctimeMs;

export class FileStorage {
  /** The real path: no symbolic link is left in it, since a rename would replace the link. */
  readonly path: string;
  readonly clock: MonotonicClock;
  readonly settings: FileHistorySettings;
  readonly reserve: Reserve;
  readonly ended: Promise<HistoryError | undefined>;
  /** The file as it is, how often another program was found to have written to it, and the final failure. */
  generation: Generation;
  foreignWrites = 0;
  failure: HistoryError | undefined;
  readonly #unlock: () => void;
  readonly #reportEnd: (error: HistoryError | undefined) => void;
  /** The file as this process left it: any other size or time is that of another program. */
  #left: Stats | undefined;
  /** Lines that another program took away together with their file, while no result line says so yet. */
  #rotated: { readonly lines: number; readonly file: string } | undefined;
  #released: Promise<unknown> = Promise.resolve();

  constructor(
    path: string,
    generation: Generation,
    clock: MonotonicClock,
    settings: FileHistorySettings,
    unlock: () => void,
  ) {
    this.path = path;
    this.generation = generation;
    this.clock = clock;
    this.settings = settings;
    this.#unlock = unlock;
    this.reserve = new Reserve(`${path}.next`);
    this.#left = fstatSync(generation.fd);
    const { promise, resolve } = Promise.withResolvers<HistoryError | undefined>();
    this.ended = promise;
    this.#reportEnd = resolve;
  }

  assertSound(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  assertRoom(): void {
    const { bavail, bfree } = this.attempt(() => statfsSync(this.path));
    if ((process.getuid?.() === 0 ? bfree : bavail) === 0) throw this.#full(); // Root may use what others may not.
  }

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

  /** Appends whole lines; they are durable when it returns. Call `look` in the same turn, before. */
  append(lines: Uint8Array): void {
    const { bytes, fd, index } = this.generation;
    this.#write(bytes, lines);
    const { size } = this.#noteChange(); // Before the sync, which takes so long that others write meanwhile.
    if (size !== bytes + lines.length) {
      this.#left = undefined; // The next look counts what is there.
      throw editedMeanwhile();
    }
    this.attempt(() => syncFileSync(fd));
    index.add(lines);
    this.generation.wake();
    this.reserve.take();
  }

  /**
   * Takes in what another program has done to the file since the last look [H-8]. What it appended is kept as external lines.
   * Where it changed what was counted, as an editor does, the lines are counted anew. Where it took the file away, the history
   * goes on in the file that the name leads to now, with a result line, in the same turn: a reader finds both or neither.
   */
  look(): void {
    this.attempt(() => this.#look(this.#findNamed()));
  }

  /** Takes in a rotation alone, of which no request may come to tell. */
  lookForRotation(): void {
    this.attempt(() => {
      const named = this.#findNamed();
      if (!this.generation.isAt(named)) this.#look(named);
    });
  }

  /** True while a file is the current generation, to which no other program has written. */
  isAsLeft(found: Stats | undefined): boolean {
    if (!this.generation.isAt(found)) return false;
    return found.size === this.generation.bytes && isUnchanged(found, this.#left);
  }

  /** Goes on in a file that was renamed over the current one; from the offset on it has what is in no other. */
  supersede(by: Generation, offset: number): void {
    this.#leave({ by, offset }, by);
    this.#noteChange();
  }

  /** Ends the feeds and lets go of the file; readers that are left may read on to their end. */
  async close(): Promise<void> {
    try {
      // The file may have been removed since the last look, and its lines would go with the descriptor.
      if (this.failure === undefined) this.lookForRotation();
    } catch (error) {
      this.settings.onNotice?.(reasonOf(error));
    }
    this.#leave("closed");
    await this.#released;
    this.reserve.remove();
    this.#unlock();
    this.#reportEnd(undefined);
  }

  #findNamed(): Stats | undefined {
    this.assertSound();
    return statSync(this.path, { throwIfNoEntry: false });
  }

  #look(first: Stats | undefined): void {
    let named = first;
    let last: Stats | undefined;
    for (let round = 0; ; round++) {
      const found = this.generation.isAt(named) ? named : this.#rotate();
      if (this.isAsLeft(found)) break;
      const { bytes } = this.generation;
      // Whatever is written behind the lines now, the other program might write over: nothing is, until the file is at rest.
      if (round === foreignRoundsMax) throw editedMeanwhile();
      // An editor empties the file before it writes it, and a copy of it grows.
      const isInTheMaking = found.size < bytes || (bytes === 0 && this.#rotated !== undefined);
      if (!isInTheMaking || isUnchanged(found, last)) this.#countAnew(found);
      else pauseSync(restMs);
      last = found;
      named = this.#findNamed();
    }
    if (this.#rotated === undefined) return;
    // For everyone who follows: all lines before have gone with their file [H-12].
    const { lines, file } = this.#rotated;
    const entry = encodeResultEntry(this.clock.next(), otherProgram, otherProgram, { verb: "archived", lines, file });
    if (lines > 0) this.append(Buffer.from(`${entry}\n`));
    this.#rotated = undefined;
  }

  /** Lets the history go on in another file, since the name leads to its file no longer. */
  #rotate(): Stats {
    const old = this.generation;
    const { path, sentence } = keepLines(old.fd, this.path); // On a full disk there may be room for them later.
    let fd: number;
    try {
      fd = openSuccessor(this.path, old.fd);
    } catch (error) {
      throw this.#fail(new Error(`${sentence}; no file can take its place: ${reasonOf(error)}`, { cause: error }));
    }
    const found = fstatSync(fd);
    if (old.isAt(found)) {
      closeSync(fd); // It was away for a moment only, and is back with all its lines.
      return found;
    }
    this.settings.onNotice?.(`${this.path}: ${sentence}; the history goes on in a new file, from line 1.`);
    this.#rotated = { lines: old.lines + (this.#rotated?.lines ?? 0), file: path ? basename(path) : otherProgram };
    this.foreignWrites += 1;
    const by = new Generation(fd, found, new LineIndex(this.settings.indexBlockBytes));
    this.#leave({ by, offset: 0 }, by);
    this.#left = found;
    return found;
  }

  /** Finds out what another program has changed. All lines are counted, in one turn: it may have changed any of them. */
  #countAnew(found: Stats): void {
    const { generation, path } = this;
    const { fd, bytes } = generation;
    const { size } = found;
    if (size === 0 && bytes > 0) this.#assertNotCopied(found);
    const isWritten = size !== bytes || found.mtimeMs !== this.#left?.mtimeMs;
    this.#left = found;
    const isClosed = this.#endsLine(size);
    if (!isClosed) {
      this.#write(size, Uint8Array.of(lineFeed));
      this.#noteChange();
    }
    syncFileSync(fd);
    const end = isClosed ? size : size + 1;
    const index = new LineIndex(this.settings.indexBlockBytes);
    index.addFile(fd, Math.min(bytes, end));
    const isKnown = generation.index.equals(index) && this.#endsLine(bytes);
    index.addFile(fd, end);
    if (isWritten) this.foreignWrites += 1;
    if (isKnown) {
      generation.index = index;
      generation.wake();
      if (size > bytes) this.#notice(`added ${size - bytes} bytes to ${path}; they are kept as they are.`);
      else if (isWritten) this.#notice(`changed ${path} in place, and no line has moved.`);
      return;
    }
    const again = openSync(path, historyFlags);
    const named = fstatSync(again);
    if (!generation.isAt(named)) return closeSync(again); // The next look finds it.
    this.#leave("edited", new Generation(again, named, index));
    const what = size === 0 ? `emptied ${path}` : `changed lines of ${path}`;
    const lost = `its ${index.lines} lines were counted again, and what it took out is gone`;
    const instead = size === 0 ? insteadOfCopying : beforeEditing;
    this.#notice(`${what}; ${lost}. Clients that follow must connect again; ${instead}.`);
    pauseSync(editPauseMs); // An editor may still be writing.
  }

  /** Whoever copies a file and then empties it loses the lines that come in between, and the copy says so. */
  #assertNotCopied({ ctimeMs }: Stats): void {
    const copy = findFreshCopy(this.path, ctimeMs);
    if (copy === undefined) return;
    const what = `another program has copied it to ${copy} and emptied it, which loses lines that come in between`;
    throw new Error(`${what}; ${insteadOfCopying}`);
  }

  #endsLine(bytes: number): boolean {
    return bytes === 0 || readFullySync(this.generation.fd, bytes - 1, 1)[0] === lineFeed;
  }

  /** Ends a generation, and goes on in the next. If that frees the disk of it, there may be room for the reserve again. */
  #leave(endState: EndState, next = this.generation): void {
    const old = this.generation;
    this.generation = next;
    old.end(endState);
    const released = old.release().then(() => this.reserve.take());
    this.#released = Promise.all([this.#released, released]);
  }

  #write(position: number, bytes: Uint8Array): void {
    try {
      writeFullySync(this.generation.fd, position, bytes);
    } catch (error) {
      if (isFull(error)) this.#undo(position);
      throw this.explain(error);
    }
  }

  /** Takes back a part of a write. When that fails too, a partial line may be left, behind which nothing may come. */
  #undo(position: number): void {
    try {
      ftruncateSync(this.generation.fd, position);
      this.#noteChange();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Remembers the file as this process left it, with a finer time than the kernel's, which another write may share. */
  #noteChange(): Stats {
    const { fd } = this.generation;
    stampFinely(fd);
    const found = this.attempt(() => fstatSync(fd));
    this.#left = found;
    return found;
  }

  #notice(what: string): void {
    this.settings.onNotice?.(`Another program ${what}`);
  }

  #full(cause?: unknown): HistoryError {
    const sentence = `the disk has no room for ${this.path}; free some space, or delete all lines`;
    return new HistoryError("storage-full", sentence, { cause });
  }

  #fail(cause: unknown): HistoryError {
    if (this.failure !== undefined) return this.failure;
    const sentence = `${this.path} cannot be trusted to keep what is written: ${reasonOf(cause)}`;
    this.failure = new HistoryError("storage-failed", sentence, { cause });
    this.generation.end(this.failure);
    this.#reportEnd(this.failure);
    return this.failure;
  }
}
