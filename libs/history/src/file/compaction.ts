/**
 * A new file that takes the history's place, so that a delete is done whole or not at all [H-11].
 *
 * It is written beside the current one, synced, renamed over it, and the folder is synced: whenever the process or the
 * machine dies, the name leads to the old file or to the new one. Rewriting in place would lose lines.
 *
 * It is written to `history.txt.next`, which exists all the time, as large as a page [H-15], [H-16]: on a full disk there
 * is no room even for the one line that a delete of all leaves. What that page holds is never read.
 */

import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, renameSync, statSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { encodeResultEntry, type EntryResult } from "@wirebook/protocol";
import { editedMeanwhile, HistoryError } from "../errors.ts";
import type { Actor, AppendResult } from "../history.ts";
import { historyFlags, isFull, openLike, pieceBytesMax, reasonOf, syncFile, syncFileSync } from "./disk.ts";
import { readFullySync, writeFully, writeFullySync } from "./disk.ts";
import { Generation } from "./generation.ts";
import { LineIndex } from "./line-index.ts";
import { hasName } from "./rotation.ts";
import type { FileStorage } from "./storage.ts";

/** Bytes kept free for the line that says who deleted all, when the disk is full [H-15]; one page of most systems. */
export const reservedBytes = 4096;

/** Bytes after which a rewrite syncs what it copied, so that the syncs of appends never wait for more than these. */
const rewriteSyncBytes = 16 * 1024 * 1024;

/** How often a rewrite copies what was appended while it copied, each time less, before it copies the rest in one turn. */
const catchUpRoundsMax = 8;

/** What a rewrite leaves out (up to `Infinity` for all that there is at its end), and the line that says so. */
export interface Removal {
  readonly start: number;
  readonly end: number;
  readonly result: EntryResult;
}

/**
 * Rewrites the file without some bytes. The rest is copied while appends go on in the old file. Then, in one turn, what
 * came meanwhile is copied as well, the result is written behind it, and the new file takes the place of the old.
 *
 * @throws HistoryError `line-changed` when another program wrote since there were so many `foreignWrites`: the copy may hold
 *   what it changed, or cut a line; after any error the history is as it was, or has failed
 */
export async function rewrite(
  storage: FileStorage,
  { start, end, result }: Removal,
  { address, user }: Actor,
  foreignWrites: number,
): Promise<AppendResult> {
  const { generation, settings } = storage;
  const assertCurrent = (): void => {
    storage.assertSound();
    if (storage.foreignWrites !== foreignWrites) throw editedMeanwhile();
  };
  try {
    assertCurrent();
    using next = new NextFile(storage);
    let syncedBytes = 0;
    const copy = async (from: number, to: number): Promise<void> => {
      for await (const piece of generation.pieces(from, to, settings.rewritePieceBytes)) {
        assertCurrent();
        await writeFully(next.fd, next.index.bytes, piece);
        next.index.add(piece);
        if (next.index.bytes - syncedBytes < rewriteSyncBytes) continue;
        await syncFile(next.fd);
        syncedBytes = next.index.bytes;
      }
    };
    await copy(0, start);
    let copied = end;
    for (let round = 0; round < catchUpRoundsMax && copied < generation.bytes; round++) {
      const { bytes } = generation;
      await copy(copied, bytes);
      copied = bytes;
    }
    await syncFile(next.fd); // Little is left for the sync below, for which appends wait.
    // From here on in one turn.
    storage.look();
    assertCurrent();
    for (let at = copied; at < generation.bytes; at += pieceBytesMax) {
      next.add(readFullySync(generation.fd, at, Math.min(pieceBytesMax, generation.bytes - at)));
    }
    const offset = next.index.bytes;
    const time = storage.clock.next();
    next.add(Buffer.from(`${encodeResultEntry(time, address, user, result)}\n`));
    storage.attempt(() => next.publish(offset));
    return { position: storage.generation.lines, time };
  } catch (error) {
    throw storage.explain(error);
  }
}

/** The page that is kept free, and the file that a rewrite writes. All best effort: without it, a delete of all needs room. */
export class Reserve {
  readonly path: string;
  /** The file is there, or must not be made. */
  isTaken = false;

  constructor(path: string) {
    this.path = path;
    this.renew(); // A process that was killed may have left a file over.
  }

  /** Takes the page, if it is not there; the disk may have been full when it was last tried. */
  take(): void {
    if (this.isTaken) return;
    try {
      writeFileSync(this.path, new Uint8Array(reservedBytes), { flag: "wx", mode: 0o600 });
      this.isTaken = true;
    } catch {
      this.remove();
    }
  }

  /** A rewrite is over, and its file was renamed or is of no use. */
  renew(): void {
    this.remove();
    this.isTaken = false;
    this.take();
  }

  remove(): void {
    try {
      rmSync(this.path, { force: true });
    } catch {
      // It is a folder, or this folder was made read-only; a rewrite will say so.
    }
  }
}

/** The file that is being written. Disposing gives it up, unless it was published. */
class NextFile implements Disposable {
  readonly index: LineIndex;
  /** For writing at positions; then the same file, for the generation that it becomes, and their folder. */
  readonly fd: number;
  readonly #ownFd: number;
  readonly #folderFd: number;
  readonly #storage: FileStorage;
  readonly #opened = new DisposableStack();
  #isPublished = false;

  /** Opens all at once: later, there must be no way to fail for want of descriptors. */
  constructor(storage: FileStorage) {
    const { generation, path, reserve, settings } = storage;
    this.#storage = storage;
    this.index = new LineIndex(settings.indexBlockBytes);
    this.#opened.defer(() => reserve.renew());
    const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
    try {
      this.#folderFd = this.#opened.adopt(openSync(dirname(path), "r"), closeSync);
      const flags = O_RDWR | O_CREAT | O_NOFOLLOW;
      this.fd = this.#opened.adopt(openLike(reserve.path, flags, generation.fd), closeSync);
      this.#ownFd = openSync(reserve.path, historyFlags);
    } catch (error) {
      this.#opened.dispose();
      if (isFull(error)) throw storage.explain(error);
      const sentence = `no file can be written beside ${path}: ${reasonOf(error)}`;
      throw new HistoryError("storage-failed", sentence, { cause: error });
    }
    reserve.isTaken = true;
  }

  add(bytes: Uint8Array): void {
    writeFullySync(this.fd, this.index.bytes, bytes);
    this.index.add(bytes);
  }

  /**
   * Puts the file, durably, in the place of the old one; its lines from the offset on are not in the old one. During the sync
   * another program may rotate the old file away [H-8], or write to it. Then nothing is deleted: a line would be in both.
   */
  publish(offset: number): void {
    const { generation: old, path, reserve } = this.#storage;
    ftruncateSync(this.fd, this.index.bytes);
    syncFileSync(this.fd);
    if (!this.#storage.isAsLeft(statSync(path, { throwIfNoEntry: false }))) throw editedMeanwhile();
    try {
      renameSync(reserve.path, path);
    } catch (error) {
      const sentence = `${path} cannot be replaced: ${reasonOf(error)}; if it is a mount point, mount its folder`;
      throw new HistoryError("storage-failed", sentence, { cause: error });
    }
    if (hasName(old.fd)) {
      // It was rotated in the very moment before, and this is what the name leads to now: as the other program wants it, empty.
      ftruncateSync(this.fd, 0);
      throw editedMeanwhile();
    }
    syncFileSync(this.#folderFd, fsyncSync);
    try {
      // Another program may have added lines in the very moment before the renaming; the next look counts them [H-8].
      const late = readFullySync(old.fd, old.bytes, fstatSync(old.fd).size - old.bytes);
      writeFullySync(this.#ownFd, this.index.bytes, late);
    } catch {
      // Best effort: the disk is full, and none of them is a line of ours.
    }
    this.#isPublished = true;
    this.#storage.supersede(new Generation(this.#ownFd, fstatSync(this.#ownFd), this.index), offset);
  }

  /** Only the name is removed: should the renaming have happened although an error says no, the file is the history. */
  [Symbol.dispose](): void {
    if (!this.#isPublished) closeSync(this.#ownFd);
    this.#opened.dispose();
  }
}
