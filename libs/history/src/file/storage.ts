/**
 * The one place that changes history.txt.
 *
 * Two things happen to the file: bytes are appended to the current generation and synced, or a rewrite takes its place.
 * Both are synchronous, so nothing comes between. What fails for want of space is undone and may be tried again. Any
 * other failure is final [H-15]: after a failed fdatasync the kernel may call pages clean that never reached the disk,
 * so a descriptor is never synced again, and nothing is acknowledged any more.
 */

import { closeSync, fstatSync, ftruncateSync, futimesSync, openSync, statfsSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { getuid } from "node:process";
import { editedMeanwhile, HistoryError } from "../errors.ts";
import { isFull, openPieceBytes, readFullySync, reasonOf, syncFileSync, writeFullySync } from "./disk.ts";
import { Generation } from "./generation.ts";
import { LineIndex } from "./line-index.ts";
import type { FileHistorySettings } from "./options.ts";
import { rescueLines } from "./rescue.ts";
import type { Preallocation } from "./preallocation.ts";
import { Compaction } from "./compaction.ts";

const lineFeed = 0x0a;
const beforeEditing = "stop the server before you edit its file";

/** How often the file is looked at again because another program wrote to it during the look before [H-8]. */
export const foreignRoundsMax = 16;

/** Milliseconds that an editor which saves in place is given to finish before the file is looked at again. */
const editPauseMs = 20;

/** A file that belongs to this process, and the generations that it goes through. */
export class FileStorage {
  /** Settles with the error after which nothing is acknowledged; stays open while all is well. Never rejects. */
  readonly failed: Promise<HistoryError>;
  readonly #path: string;
  readonly #settings: FileHistorySettings;
  readonly #reserve: Preallocation;
  readonly #reportFailure: (error: HistoryError) => void;
  readonly #releasing = new Set<Promise<void>>();
  #generation: Generation;
  /** When the file was last changed by this process, as the system has it; any other time is that of another program. */
  #changed: Pick<Stats, "mtimeMs" | "ctimeMs">;
  #newestTime: string;
  #foreignWrites = 0;
  #failure: HistoryError | undefined;

  /**
   * @param path the real path: no symbolic link is left in it, since a rename would replace the link
   * @param newestTime of the entries in the generation
   */
  constructor(
    path: string,
    reserve: Preallocation,
    generation: Generation,
    newestTime: string,
    settings: FileHistorySettings,
  ) {
    this.#path = path;
    this.#newestTime = newestTime;
    this.#settings = settings;
    this.#reserve = reserve;
    this.#reserve.take();
    this.#generation = generation;
    this.#changed = fstatSync(generation.fd);
    const { promise, resolve } = Promise.withResolvers<HistoryError>();
    this.failed = promise;
    this.#reportFailure = resolve;
  }

  /** The current generation. */
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
   * Appends whole lines; they are durable when it returns.
   *
   * @param time of the last of them
   * @throws HistoryError `storage-full`, `storage-failed`
   */
  append(lines: Uint8Array, time: string): void {
    this.adoptForeignLines();
    this.#write(this.#generation.bytes, lines);
    this.#noteChange(); // A sync takes so long that others write meanwhile, whose time must not be taken for ours.
    this.#sync();
    this.#generation.grow(lines);
    this.#newestTime = time;
    this.#reserve.take();
  }

  /**
   * Takes in what another program has done to the file since the last look [H-8]. What it appended, a note by hand most
   * likely, is kept as external lines and never overwritten. Where it changed what was counted, as an editor does that saves
   * in place, the lines are counted anew. A file that was replaced, moved, removed or shortened cannot be recovered here: its
   * lines are kept, as far as they can be reached.
   *
   * @throws HistoryError `storage-full`, `storage-failed`
   */
  adoptForeignLines(): void {
    for (let round = 0; ; round++) {
      const found = this.assertInPlace();
      const { bytes } = this.#generation;
      if (found.size < bytes) throw this.#fail(new Error(`another program has shortened it; ${beforeEditing}`));
      const { mtimeMs, ctimeMs } = this.#changed;
      if (found.size === bytes && found.mtimeMs === mtimeMs && found.ctimeMs === ctimeMs) return;
      // Whatever is written behind the lines now, the other program would write over.
      if (round === foreignRoundsMax)
        throw this.#fail(new Error(`another program keeps writing to it; ${beforeEditing}`));
      this.#countAnew(found);
    }
  }

  /**
   * Looks whether the name still leads to the file. Once it does not, the lines last only as long as this process does.
   *
   * @throws HistoryError `storage-failed`
   */
  assertInPlace(): Stats {
    this.assertSound();
    const { identity } = this.#generation;
    const found = this.attempt(() => statSync(this.#path, { throwIfNoEntry: false }));
    if (found?.ino === identity.ino && found.dev === identity.dev) return found;
    throw this.#fail(new Error(this.#rescue(found === undefined)));
  }

  /** @throws HistoryError `storage-full` when the disk says that it has no room at all */
  assertRoom(): void {
    const { bavail, bfree } = this.attempt(() => statfsSync(this.#path));
    // Root may use what others may not.
    if ((getuid?.() === 0 ? bfree : bavail) === 0) throw this.#full();
  }

  /** Begins a new file beside the current one. @throws HistoryError `storage-full`, `storage-failed` */
  beginCompaction(): Compaction {
    this.assertSound();
    try {
      return new Compaction(this.#path, this.#reserve, this.#generation, this.#settings);
    } catch (error) {
      // Nothing was touched, so this is not final: there may be too many open files, for one.
      if (isFull(error)) throw this.explain(error);
      const sentence = `no file can be written beside ${this.#path}: ${reasonOf(error)}`;
      throw new HistoryError("storage-failed", sentence, { cause: error });
    }
  }

  /**
   * Puts a compacted file in the place of the current generation.
   *
   * @param offset where in it the lines begin that are not in the current generation
   * @param time of its last line
   * @throws HistoryError `storage-failed`
   */
  supersede(compaction: Compaction, offset: number, time: string): void {
    const next = this.attempt(() => compaction.publish());
    const old = this.#generation;
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
    this.#rescueAtLast();
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
    const { fd } = this.#generation;
    try {
      writeFullySync(fd, position, bytes);
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

  #sync(): void {
    this.attempt(() => syncFileSync(this.#generation.fd));
  }

  #full(cause?: unknown): HistoryError {
    const sentence = `the disk has no room for ${this.#path}; free some space, or delete all lines`;
    return new HistoryError("storage-full", sentence, { cause });
  }

  /**
   * Remembers the file's times as this process left them. The kernel's own times are those of its last clock tick, which
   * another program's write may share, so the file gets one that is finer.
   */
  #noteChange(): void {
    const { fd } = this.#generation;
    const now = (performance.timeOrigin + performance.now()) / 1000;
    try {
      futimesSync(fd, now, now);
    } catch {
      // Best effort: only the owner of a file may set its time.
    }
    this.#changed = this.attempt(() => fstatSync(fd));
  }

  /**
   * Finds out what another program has changed, by counting all lines anew in one turn: whatever little of the file is
   * looked at, another program may have changed the rest. That takes as long as a start does, and is rare.
   */
  #countAnew(found: Stats): void {
    const { fd, bytes } = this.#generation;
    const { size } = found;
    const isWritten = size !== bytes || found.mtimeMs !== this.#changed.mtimeMs;
    this.#changed = found;
    const isClosed = size === 0 || this.attempt(() => readFullySync(fd, size - 1, 1))[0] === lineFeed;
    if (!isClosed) {
      this.#write(size, Uint8Array.of(lineFeed));
      this.#noteChange();
    }
    this.#sync();
    const end = isClosed ? size : size + 1;
    const index = new LineIndex(this.#settings.indexBlockBytes);
    this.#indexUpTo(bytes, index);
    const isKnown = this.#generation.isIndexedLike(index) && this.#endsLine(bytes);
    if (isWritten) this.#foreignWrites += 1;
    if (isKnown) {
      while (this.#generation.bytes < end) this.#generation.grow(this.#readPiece(this.#generation.bytes, end));
      if (size > bytes) this.#notice(`added ${size - bytes} bytes to ${this.#path}; they are kept as they are.`);
      else if (isWritten) this.#notice(`changed ${this.#path} in place, and no line has moved.`);
    } else {
      this.#indexUpTo(end, index);
      this.#replace(index);
      this.#notice(
        `changed lines of ${this.#path}; its ${index.lines} lines were counted again. Clients that follow must connect again.`,
      );
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, editPauseMs); // An editor may still be writing.
    }
  }

  /** True when a line ends at an offset, as it did. */
  #endsLine(bytes: number): boolean {
    return bytes === 0 || this.#readPiece(bytes - 1, bytes)[0] === lineFeed;
  }

  #indexUpTo(end: number, index: LineIndex): void {
    while (index.bytes < end) index.add(this.#readPiece(index.bytes, end));
  }

  #readPiece(from: number, end: number): Uint8Array {
    return this.attempt(() => readFullySync(this.#generation.fd, from, Math.min(openPieceBytes, end - from)));
  }

  /** Ends a generation whose lines are no longer where its readers look for them, and begins another one on the same file. */
  #replace(index: LineIndex): void {
    const old = this.#generation;
    const fd = this.attempt(() => openSync(this.#path, "r+"));
    const found = this.attempt(() => fstatSync(fd));
    if (found.ino !== old.identity.ino || found.dev !== old.identity.dev) {
      closeSync(fd);
      throw this.#fail(new Error(this.#rescue(false)));
    }
    this.#generation = new Generation(fd, found, index);
    old.end({ kind: "edited", error: editedMeanwhile() });
    this.#release(old);
  }

  #notice(what: string): void {
    this.#settings.onNotice?.(`Another program ${what}`);
  }

  /** Keeps what the name leads to no longer; says what happened, and where the lines are. */
  #rescue(isGone: boolean): string {
    const what = `another program has ${isGone ? "removed or moved" : "replaced"} it`;
    try {
      return `${what}; ${rescueLines(this.#generation.fd, this.#path)}; ${beforeEditing}`;
    } catch (error) {
      return `${what}, and its lines could not be kept: ${reasonOf(error)}; ${beforeEditing}`;
    }
  }

  /** The file may have been removed since the last request. */
  #rescueAtLast(): void {
    if (this.#failure !== undefined) return;
    const { identity } = this.#generation;
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (found?.ino === identity.ino && found.dev === identity.dev) return;
    this.#settings.onNotice?.(`${this.#path}: ${this.#rescue(found === undefined)}.`);
  }

  #fail(cause: unknown): HistoryError {
    if (this.#failure !== undefined) return this.#failure;
    const sentence = `${this.#path} cannot be trusted to keep what is written: ${reasonOf(cause)}`;
    this.#failure = new HistoryError("storage-failed", sentence, { cause });
    this.#generation.end({ kind: "failed", error: this.#failure });
    this.#reportFailure(this.#failure);
    return this.#failure;
  }
}
