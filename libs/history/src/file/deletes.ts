/**
 * Deletes and archivings: each is a rewrite of the file, one after another [H-11].
 *
 * The file is copied without the lines to be deleted while appends go on in the old one. Then, in one turn, what came
 * meanwhile is copied as well, the result is written behind it, and the new file takes the place of the old.
 *
 * An archiving first writes the lines into a file of their own, durably [H-17].
 */

import { closeSync, constants, rmSync } from "node:fs";
import { basename } from "node:path";
import { decodeText, decodeTime, encodeResultEntry, encodeTime, timestampOf } from "@wirebook/protocol";
import type { EntryResult, Keep } from "@wirebook/protocol";
import { editedMeanwhile, HistoryError, lineChanged, noSuchLine } from "../errors.ts";
import type { Actor, Archived, AppendResult } from "../history.ts";
import { isFull, lineFeed, openLike, reasonOf, syncFile, syncFolderOf, writeFully } from "./disk.ts";
import type { Generation } from "./generation.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { MonotonicClock } from "./monotonic-clock.ts";
import { besideOf } from "./rotation.ts";
import type { FileStorage } from "./storage.ts";

/**
 * How often a rewrite copies what was appended while it copied, before it copies the rest in one turn. Each round has
 * less to copy than the one before, unless appends come faster than they can be copied.
 */
const catchUpRoundsMax = 8;

/** Bytes of a line that are read to know its timestamp: more than the 64 characters that `timestampOf` keeps can take. */
const timestampBytes = 512;

const dayMs = 86_400_000;
const timeBytes = "2026-11-22T20:31:05.123456Z".length;

/** What a rewrite leaves out, and the line that says so. */
interface Removal {
  readonly start: number;
  /** `Infinity` for all that there is when the new file takes the old one's place. */
  readonly end: number;
  readonly result: EntryResult;
}

export class Deletes {
  readonly #storage: FileStorage;
  readonly #clock: MonotonicClock;
  readonly #appends: GroupCommit;
  readonly #pieceBytes: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: FileStorage, clock: MonotonicClock, appends: GroupCommit, pieceBytes: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#appends = appends;
    this.#pieceBytes = pieceBytes;
  }

  deleteLine(by: Actor, line: number, timestamp: string | undefined): Promise<AppendResult> {
    return this.#inTurn(async (generation, foreignWrites) => {
      const removal = await findLine(generation, line, timestamp);
      return this.#rewrite(by, removal, foreignWrites);
    });
  }

  deleteAll(by: Actor): Promise<AppendResult> {
    const all: Removal = { start: 0, end: Infinity, result: { verb: "deleted-all" } };
    return this.#inTurn((_, foreignWrites) => this.#rewrite(by, all, foreignWrites));
  }

  archive(by: Actor, keep: Keep): Promise<Archived> {
    return this.#inTurn(async (generation, foreignWrites) => {
      const lines = await countLinesToArchive(generation, keep, this.#pieceBytes);
      if (lines === 0) return { lines, file: "" };
      const end = await generation.startOf(lines + 1);
      const path = await writeArchive(this.#storage.path, generation, end, this.#pieceBytes);
      const file = basename(path);
      try {
        await this.#rewrite(by, { start: 0, end, result: { verb: "archived", lines, file } }, foreignWrites);
      } catch (error) {
        // After a failure of the disk, which file the name leads to is not known.
        if (!this.#storage.hasFailed) rmSync(path, { force: true });
        throw error;
      }
      return { lines, file };
    });
  }

  async settled(): Promise<void> {
    await this.#last;
  }

  /**
   * Runs the work behind the work before it and the appends so far, on the generation that is then the current one. Its
   * file stays open even when another program takes it away.
   */
  #inTurn<Result>(work: (generation: Generation, foreignWrites: number) => Promise<Result>): Promise<Result> {
    const run = async (): Promise<Result> => {
      this.#appends.commit();
      this.#storage.adoptForeignLines();
      const { generation, foreignWrites } = this.#storage;
      generation.retain();
      try {
        return await work(generation, foreignWrites);
      } finally {
        await generation.release();
      }
    };
    const running = this.#last.then(run);
    this.#last = running.catch(() => {}); // Its caller gets the error.
    return running;
  }

  /**
   * Rewrites the file without these bytes.
   *
   * @param foreignWrites as many as there were when the bytes were looked for
   * @throws HistoryError `line-changed` when another program wrote since: the copy may hold what it changed, or cut a line;
   *   after any error the history is as it was, or has failed
   */
  async #rewrite({ address, user }: Actor, removal: Removal, foreignWrites: number): Promise<AppendResult> {
    const storage = this.#storage;
    const { start, end, result } = removal;
    const { generation } = storage;
    const compaction = storage.beginCompaction();
    try {
      const check = (): void => storage.assertSound();
      await compaction.copy(0, start, check);
      let copied = end;
      for (let round = 0; round < catchUpRoundsMax && copied < generation.bytes; round++) {
        const { bytes } = generation;
        await compaction.copy(copied, bytes, check);
        copied = bytes;
      }
      await compaction.sync();
      // From here on in one turn.
      storage.adoptForeignLines();
      if (end !== Infinity && storage.foreignWrites !== foreignWrites) throw editedMeanwhile();
      compaction.copySync(copied, generation.bytes);
      const offset = compaction.bytes;
      const time = this.#clock.next();
      compaction.add(Buffer.from(`${encodeResultEntry(time, address, user, result)}\n`));
      storage.supersede(compaction, offset, time);
      return { position: storage.generation.lines, time };
    } catch (error) {
      const refusal = storage.explain(error);
      await compaction.abandon();
      throw refusal;
    }
  }
}

/** @throws HistoryError `no-such-line`, `line-changed`, `storage-failed` */
async function findLine(generation: Generation, line: number, expected: string | undefined): Promise<Removal> {
  const { lines } = generation;
  if (!Number.isSafeInteger(line) || line < 1 || line > lines) throw noSuchLine(line, lines);
  const start = await generation.startOf(line);
  const end = await generation.startOf(line + 1);
  const head = timestampOf(decodeText(await generation.read(start, Math.min(timestampBytes, end - start))));
  if (expected !== undefined && timestampOf(expected) !== head) throw lineChanged(line, head, expected);
  return { start, end, result: { verb: "deleted-line", line, head } };
}

/** How many of the first lines an archiving takes that keeps so much. @throws HistoryError `storage-failed` */
async function countLinesToArchive(generation: Generation, keep: Keep, pieceBytes: number): Promise<number> {
  const { lines, bytes } = generation;
  if ("lines" in keep) return Math.max(0, lines - keep.lines);
  const oldestKept = encodeTime((Date.now() - keep.days * dayMs) * 1000);
  let older = 0;
  let head = ""; // What is known of the line that begins here or began in a piece before.
  for (let at = 0; at < bytes; at += pieceBytes) {
    const piece = Buffer.from(await generation.read(at, Math.min(pieceBytes, bytes - at)));
    for (let start = 0; start < piece.length;) {
      head += piece.toString("latin1", start, start + timeBytes - head.length);
      // Times increase; external lines stay with the entries before them.
      if (head >= oldestKept && decodeTime(head) !== undefined) return older;
      const end = piece.indexOf(lineFeed, start);
      if (end < 0) break;
      older += 1;
      head = "";
      start = end + 1;
    }
  }
  return lines;
}

/**
 * Writes the bytes before an offset into a new file beside the history, durably; returns its path.
 *
 * @throws HistoryError `storage-full`, `storage-failed`; there is no such file then, and the history is as it was
 */
async function writeArchive(
  historyPath: string,
  generation: Generation,
  end: number,
  pieceBytes: number,
): Promise<string> {
  const path = besideOf(historyPath, "archived");
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  let fd: number | undefined;
  try {
    fd = openLike(path, O_WRONLY | O_CREAT | O_EXCL, generation.fd);
    for (let at = 0; at < end; at += pieceBytes) {
      await writeFully(fd, at, await generation.read(at, Math.min(pieceBytes, end - at)));
    }
    await syncFile(fd);
    syncFolderOf(path);
    return path;
  } catch (error) {
    if (fd !== undefined) rmSync(path, { force: true });
    const code = isFull(error) ? "storage-full" : "storage-failed";
    throw new HistoryError(code, `${path} cannot be written: ${reasonOf(error)}`, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
