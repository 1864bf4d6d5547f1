/**
 * The one place that changes history.txt.
 *
 * Two things happen to the file: bytes are appended to the current generation and synced, or a rewrite takes its place.
 * Both are synchronous, so nothing comes between. What fails for want of space is undone and may be tried again. Any
 * other failure is final [H-15]: after a failed fdatasync the kernel may call pages clean that never reached the disk,
 * so a descriptor is never synced again, and nothing is acknowledged any more.
 */

import { ftruncateSync, statSync } from "node:fs";
import { HistoryError } from "../errors.ts";
import { openPieceBytes } from "../limits.ts";
import { isFull, readFullySync, reasonOf, syncFileSync, writeFullySync } from "./disk.ts";
import type { Generation } from "./generation.ts";
import type { FileHistoryOptions } from "./options.ts";
import type { Reserve } from "./reserve.ts";
import { Rewrite } from "./rewrite.ts";

const lineFeed = 0x0a;

/** A file that belongs to this process, and the generations that it goes through. */
export class FileStorage {
  /** Settles with the error after which nothing is acknowledged; stays open while all is well. Never rejects. */
  readonly failed: Promise<HistoryError>;
  readonly #path: string;
  readonly #options: FileHistoryOptions;
  readonly #reserve: Reserve;
  readonly #reportFailure: (error: HistoryError) => void;
  readonly #releasing = new Set<Promise<void>>();
  #generation: Generation;
  #failure: HistoryError | undefined;

  /** @param path the real path: no symbolic link is left in it, since a rename would replace the link */
  constructor(path: string, reserve: Reserve, generation: Generation, options: FileHistoryOptions) {
    this.#path = path;
    this.#options = options;
    this.#reserve = reserve;
    this.#reserve.take();
    this.#generation = generation;
    const { promise, resolve } = Promise.withResolvers<HistoryError>();
    this.failed = promise;
    this.#reportFailure = resolve;
  }

  /** The current generation. */
  get generation(): Generation {
    return this.#generation;
  }

  /** @throws HistoryError `storage-failed` when it has failed */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Appends whole lines; they are durable when it returns.
   *
   * @throws HistoryError `storage-full`, `storage-failed`
   */
  append(lines: Uint8Array): void {
    this.adoptForeignLines();
    this.#write(this.#generation.bytes, lines);
    this.#sync();
    this.#generation.grow(lines);
    this.#reserve.take();
  }

  /**
   * Takes in what another program has appended since the last look: a note by hand, most likely. It is kept as foreign
   * lines and never overwritten [H-8]. A file that was replaced, moved away or shortened is not ours to mend.
   *
   * @throws HistoryError `storage-full`, `storage-failed`
   */
  adoptForeignLines(): void {
    this.assertSound();
    const { fd, identity, bytes } = this.#generation;
    const found = this.attempt(() => statSync(this.#path, { throwIfNoEntry: false }));
    if (found?.ino !== identity.ino || found.dev !== identity.dev || found.size < bytes) {
      const what = "another program has replaced, moved or shortened it";
      throw this.#fail(new Error(`${what}; stop the server before you edit it`));
    }
    if (found.size === bytes) return;
    const isClosed = this.attempt(() => readFullySync(fd, found.size - 1, 1))[0] === lineFeed;
    if (!isClosed) this.#write(found.size, Uint8Array.of(lineFeed));
    this.#sync();
    this.#growTo(isClosed ? found.size : found.size + 1);
    const what = `Another program added ${found.size - bytes} bytes to ${this.#path}`;
    this.#options.onNotice?.(`${what}; they are kept as they are.`);
  }

  /** Begins a new file beside the current one. @throws HistoryError `storage-full`, `storage-failed` */
  beginRewrite(): Rewrite {
    this.assertSound();
    try {
      return new Rewrite(this.#path, this.#reserve, this.#generation, this.#options);
    } catch (error) {
      // Nothing was touched, so this is not final: there may be too many open files, for one.
      if (isFull(error)) throw this.explain(error);
      const sentence = `no file can be written beside ${this.#path}: ${reasonOf(error)}`;
      throw new HistoryError("storage-failed", sentence, { cause: error });
    }
  }

  /**
   * Puts a rewrite in the place of the current generation.
   *
   * @param offset where in it the lines begin that are not in the current generation
   * @throws HistoryError `storage-failed`
   */
  supersede(rewrite: Rewrite, offset: number): void {
    const next = this.attempt(() => rewrite.publish());
    const old = this.#generation;
    this.#generation = next;
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
    if (!isFull(error)) return this.#fail(error);
    const sentence = `the disk has no room for ${this.#path}; free some space, or delete all lines`;
    return new HistoryError("storage-full", sentence, { cause: error });
  }

  /** Ends the feeds and lets go of the file; readers that are left may read on to their end. */
  async close(): Promise<void> {
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

  /** Takes back a part of a write. When that fails too, a torn line may be left, behind which nothing may come. */
  #undo(position: number): void {
    try {
      ftruncateSync(this.#generation.fd, position);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #sync(): void {
    this.attempt(() => syncFileSync(this.#generation.fd));
  }

  #growTo(end: number): void {
    const generation = this.#generation;
    while (generation.bytes < end) {
      const length = Math.min(openPieceBytes, end - generation.bytes);
      generation.grow(this.attempt(() => readFullySync(generation.fd, generation.bytes, length)));
    }
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
