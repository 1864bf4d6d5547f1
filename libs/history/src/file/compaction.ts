/**
 * A new file that takes the history's place, so that a delete is done whole or not at all [H-11].
 *
 * It is written beside the current one, synced, renamed over it, and the folder is synced: whenever the process or the
 * machine dies, the name leads to the old file or to the new one. Rewriting in place would lose lines.
 */

import { closeSync, constants, fstatSync, ftruncateSync, openSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { editedMeanwhile, HistoryError } from "../errors.ts";
import { closeFile, historyFlags, openLike, reasonOf, syncFile, syncFileSync, syncFolder } from "./disk.ts";
import { readFullySync, writeFully, writeFullySync } from "./disk.ts";
import { Generation } from "./generation.ts";
import { LineIndex } from "./line-index.ts";
import type { FileHistorySettings } from "./options.ts";
import type { Preallocation } from "./preallocation.ts";
import { hasName } from "./rescue.ts";

/** Bytes after which a rewrite syncs what it copied, so that the syncs of appends never wait for more than these. */
const rewriteSyncBytes = 16 * 1024 * 1024;

/** Holds three descriptors until `publish` hands one on or `abandon` closes all. */
export class Compaction {
  readonly #path: string;
  readonly #reserve: Preallocation;
  readonly #source: Generation;
  readonly #fd: number;
  /** The same file, for the generation that it becomes. */
  readonly #ownFd: number;
  /** Open from the beginning: when it is needed, there must be no way to fail for want of descriptors. */
  readonly #folderFd: number;
  readonly #index: LineIndex;
  readonly #pieceBytes: number;
  readonly #buffers: [Uint8Array, Uint8Array];
  #syncedBytes = 0;
  #syncing: Promise<void> = Promise.resolve();

  /**
   * @param path the history's
   * @param reserve whose file is overwritten
   * @param source what `copy` copies from; also whose permissions the new file gets
   */
  constructor(path: string, reserve: Preallocation, source: Generation, settings: FileHistorySettings) {
    this.#path = path;
    this.#reserve = reserve;
    this.#source = source;
    this.#index = new LineIndex(settings.indexBlockBytes);
    this.#pieceBytes = settings.rewritePieceBytes;
    const bufferBytes = Math.min(this.#pieceBytes, source.bytes);
    this.#buffers = [new Uint8Array(bufferBytes), new Uint8Array(bufferBytes)];
    this.#folderFd = openSync(dirname(path), "r");
    const opened = [this.#folderFd];
    try {
      const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
      this.#fd = openLike(reserve.path, O_RDWR | O_CREAT | O_NOFOLLOW, source.fd);
      opened.push(this.#fd);
      this.#ownFd = openSync(reserve.path, historyFlags);
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      throw error;
    }
    reserve.lend();
  }

  get bytes(): number {
    return this.#index.bytes;
  }

  /**
   * Copies bytes of the source, a piece at a time: the next is read while one is written, and what was written is made
   * durable meanwhile, now and then.
   *
   * @param check called before each piece is written; what it throws ends the copying
   */
  async copy(from: number, to: number, check: () => void): Promise<void> {
    let at = from;
    let piece = await this.#read(at, to);
    while (piece.length > 0) {
      check();
      at += piece.length;
      [piece] = await both(this.#read(at, to), this.#write(piece));
      if (this.bytes - this.#syncedBytes >= rewriteSyncBytes) await this.#beginSync();
    }
  }

  /** `copy` in one turn, for what was appended while the rest was being copied. */
  copySync(from: number, to: number): void {
    for (let at = from; at < to; at += this.#pieceBytes) {
      this.add(readFullySync(this.#source.fd, at, Math.min(this.#pieceBytes, to - at)));
    }
  }

  add(bytes: Uint8Array): void {
    writeFullySync(this.#fd, this.bytes, bytes);
    this.#index.add(bytes);
  }

  /** Makes what was written durable while appends go on, so that little is left for `publish`. */
  async sync(): Promise<void> {
    await this.#beginSync();
    await this.#syncing;
  }

  /**
   * Puts the new file, durably, in the place of the old one, and reserves room for the next. The sync takes a while in
   * which another program may rotate the old file away [H-8]. Then the lines would be in both, so nothing is deleted.
   *
   * @param old the current generation
   * @throws HistoryError `storage-failed` when the old one cannot be replaced and so is as it was, `line-changed` when it
   *   was rotated
   */
  publish({ fd, identity }: Generation): Generation {
    ftruncateSync(this.#fd, this.bytes);
    syncFileSync(this.#fd);
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (found?.ino !== identity.ino || found.dev !== identity.dev) throw editedMeanwhile();
    try {
      renameSync(this.#reserve.path, this.#path);
    } catch (error) {
      const sentence = `${this.#path} cannot be replaced: ${reasonOf(error)}; if it is a mount point, mount its folder`;
      throw new HistoryError("storage-failed", sentence, { cause: error });
    }
    if (hasName(fd)) {
      // It was rotated in the very moment before, and this is what the name leads to now: as the other program wants it, empty.
      ftruncateSync(this.#fd, 0);
      throw editedMeanwhile();
    }
    syncFolder(this.#folderFd);
    closeSync(this.#folderFd);
    closeSync(this.#fd);
    this.#reserve.giveBack();
    return new Generation(this.#ownFd, fstatSync(this.#ownFd), this.#index);
  }

  /** Gives up. Only the name is removed: should the renaming have happened after all, the file is the history. */
  async abandon(): Promise<void> {
    closeSync(this.#folderFd);
    await Promise.allSettled([this.#syncing]);
    await closeFile(this.#fd);
    closeSync(this.#ownFd);
    this.#reserve.giveBack();
  }

  /** The next piece of the source before `to`, in one of two buffers in turn; empty when there is none. */
  async #read(from: number, to: number): Promise<Uint8Array> {
    this.#buffers.reverse();
    const piece = this.#buffers[0].subarray(0, to - from);
    await this.#source.readInto(piece, from);
    return piece;
  }

  async #write(piece: Uint8Array): Promise<void> {
    await writeFully(this.#fd, this.bytes, piece);
    this.#index.add(piece);
  }

  /** Begins to make what was written durable, when the sync before is over. */
  async #beginSync(): Promise<void> {
    await this.#syncing;
    this.#syncedBytes = this.bytes;
    this.#syncing = syncFile(this.#fd);
    this.#syncing.catch(() => {}); // Its awaiter gets the error, before anything is published.
  }
}

/**
 * Both results. When one fails, the other is waited for nevertheless: a descriptor must not be closed while something
 * is still written to it, since its number is used again.
 */
async function both<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}
