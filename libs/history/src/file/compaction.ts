/**
 * A new file that takes the history's place, so that a delete is done whole or not at all [H-11].
 *
 * It is written beside the current one, synced, renamed over it, and the folder is synced: whenever the process or the
 * machine dies, the name leads to the old file or to the new one. Rewriting in place would lose lines.
 *
 * It is written to `history.txt.next`, which exists all the time, as large as a page [H-15], [H-16]: on a full disk there
 * is no room even for the one line that a delete of all leaves. What that page holds is never read.
 */

import { closeSync, constants, fstatSync, ftruncateSync, openSync, renameSync, statSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import type { Stats } from "node:fs";
import { dirname } from "node:path";
import { editedMeanwhile, HistoryError } from "../errors.ts";
import { closeFile, historyFlags, openLike, reasonOf, syncFile, syncFileSync, syncFolder } from "./disk.ts";
import { readFullySync, writeFully, writeFullySync } from "./disk.ts";
import { Generation } from "./generation.ts";
import { LineIndex } from "./line-index.ts";
import type { FileHistorySettings } from "./options.ts";
import { hasName } from "./rotation.ts";

/** Bytes kept free for the line that says who deleted all, when the disk is full [H-15]; one page of most systems. */
export const reservedBytes = 4096;

/** Bytes after which a rewrite syncs what it copied, so that the syncs of appends never wait for more than these. */
const rewriteSyncBytes = 16 * 1024 * 1024;

/** That page. Everything here is best effort: without it, a delete of all needs room too. */
export class Reserve {
  /** Where a rewrite is written. */
  readonly path: string;
  /** The file is there, or must not be made. */
  isTaken = false;

  constructor(historyPath: string) {
    this.path = `${historyPath}.next`;
    this.giveBack(); // A process that was killed may have left one over.
  }

  /** Takes the page, if it is not there; the disk may have been full when it was last tried. */
  take(): void {
    if (this.isTaken) return;
    try {
      writeFileSync(this.path, new Uint8Array(reservedBytes), { flag: "wx", mode: 0o600 });
      this.isTaken = true;
    } catch {
      this.#remove();
    }
  }

  /** A rewrite is over, and its file was renamed or is of no use. */
  giveBack(): void {
    this.#remove();
    this.isTaken = false;
    this.take();
  }

  /** Gives the page back to the disk. */
  close(): void {
    this.#remove();
    this.isTaken = true;
  }

  #remove(): void {
    try {
      rmSync(this.path, { force: true });
    } catch {
      // It is a folder, or this folder was made read-only; a rewrite will say so.
    }
  }
}

/** Holds three descriptors until `publish` hands one on or `abandon` closes all. */
export class Compaction {
  readonly #path: string;
  readonly #reserve: Reserve;
  readonly #source: Generation;
  readonly #fd: number;
  /** The same file, for the generation that it becomes. */
  readonly #ownFd: number;
  /** Open from the beginning: when it is needed, there must be no way to fail for want of descriptors. */
  readonly #folderFd: number;
  readonly #index: LineIndex;
  readonly #pieceBytes: number;
  #syncedBytes = 0;
  #syncing: Promise<void> = Promise.resolve();

  /**
   * @param path the history's
   * @param reserve whose file is overwritten
   * @param source what `copy` copies from; also whose permissions the new file gets
   */
  constructor(path: string, reserve: Reserve, source: Generation, settings: FileHistorySettings) {
    this.#path = path;
    this.#reserve = reserve;
    this.#source = source;
    this.#index = new LineIndex(settings.indexBlockBytes);
    this.#pieceBytes = settings.rewritePieceBytes;
    this.#folderFd = openSync(dirname(path), "r");
    const opened = [this.#folderFd];
    try {
      const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
      this.#fd = openLike(reserve.path, O_RDWR | O_CREAT | O_NOFOLLOW, source.fd);
      opened.push(this.#fd);
      this.#ownFd = openSync(reserve.path, historyFlags);
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      reserve.giveBack(); // Its permissions may forbid to open it again.
      throw error;
    }
    reserve.isTaken = true;
  }

  get bytes(): number {
    return this.#index.bytes;
  }

  /**
   * Copies bytes of the source, a piece at a time. Now and then what was copied begins to be made durable.
   *
   * @param check called before each piece is written; what it throws ends the copying
   */
  async copy(from: number, to: number, check: () => void): Promise<void> {
    const buffer = new Uint8Array(Math.min(this.#pieceBytes, to - from));
    for (let at = from; at < to; at += buffer.length) {
      const piece = await this.#source.readInto(buffer.subarray(0, to - at), at);
      check();
      await writeFully(this.#fd, this.bytes, piece);
      this.#index.add(piece);
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
   * which another program may rotate the old file away [H-8], or write to it. Then lines would be in both, or in none, so
   * nothing is deleted.
   *
   * @param old the current generation
   * @param isAsLeft tells whether what the name leads to is the old file as this process left it
   * @throws HistoryError `storage-failed` when the old one cannot be replaced and so is as it was, `line-changed` when
   *   another program has written to it or rotated it
   */
  publish(old: Generation, isAsLeft: (found: Stats | undefined) => boolean): Generation {
    ftruncateSync(this.#fd, this.bytes);
    syncFileSync(this.#fd);
    if (!isAsLeft(statSync(this.#path, { throwIfNoEntry: false }))) throw editedMeanwhile();
    try {
      renameSync(this.#reserve.path, this.#path);
    } catch (error) {
      const sentence = `${this.#path} cannot be replaced: ${reasonOf(error)}; if it is a mount point, mount its folder`;
      throw new HistoryError("storage-failed", sentence, { cause: error });
    }
    if (hasName(old.fd)) {
      // It was rotated in the very moment before, and this is what the name leads to now: as the other program wants it, empty.
      ftruncateSync(this.#fd, 0);
      throw editedMeanwhile();
    }
    syncFolder(this.#folderFd);
    this.#takeLate(old);
    closeSync(this.#folderFd);
    closeSync(this.#fd);
    this.#reserve.giveBack();
    return new Generation(this.#ownFd, fstatSync(this.#ownFd), this.#index);
  }

  /** Another program may have added lines in the very moment before the renaming; the next look counts them [H-8]. */
  #takeLate({ fd, bytes }: Generation): void {
    const late = fstatSync(fd).size - bytes;
    if (late <= 0) return;
    try {
      writeFullySync(this.#ownFd, this.bytes, readFullySync(fd, bytes, late));
    } catch {
      // Best effort: the disk is full, and none of them is a line of ours.
    }
  }

  /** Gives up. Only the name is removed: should the renaming have happened after all, the file is the history. */
  async abandon(): Promise<void> {
    closeSync(this.#folderFd);
    await Promise.allSettled([this.#syncing]);
    await closeFile(this.#fd);
    closeSync(this.#ownFd);
    this.#reserve.giveBack();
  }

  /** Begins to make what was written durable, when the sync before is over. */
  async #beginSync(): Promise<void> {
    await this.#syncing;
    this.#syncedBytes = this.bytes;
    this.#syncing = syncFile(this.#fd);
    this.#syncing.catch(() => {}); // Its awaiter gets the error, before anything is published.
  }
}
