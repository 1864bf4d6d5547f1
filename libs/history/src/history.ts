/**
 * What lasts: the interface that every engine offers.
 *
 * A history is one total order of lines. A line has a *position*, its rank from 1, which deletes above it change, and a
 * *time*, which nothing changes: times strictly increase, so a time is a line's identity. Any change but an append leaves
 * a result line in the same order, so the lines as they come are a change feed: a reader that applies each one keeps an
 * exact copy.
 *
 * Deliberately absent: random access to lines as strings, and any count of lines held in memory. Readers get bytes.
 */

import type { EntryResult, Keep } from "@wirebook/protocol";
import type { HistoryError } from "./errors.ts";

/** On whose behalf something is written: a name, never a key, and the client's IP address. */
export interface Actor {
  readonly user: string;
  readonly address: string;
}

/** A message that was sent, as the history keeps it: without its key, cut when it was refused [H-5], [H-6]. */
export interface RequestEntry {
  readonly address: string;
  readonly message: string;
  readonly isCut: boolean;
}

/** A result that changes no line: it tells of something that lasts elsewhere. */
export type Recorded = Extract<EntryResult, { readonly verb: "created-user" }>;

/** A line that the history now holds durably. */
export interface AppendResult {
  /** Its rank at the moment of writing, from 1. */
  readonly position: number;
  /** Its time, and so its identity: `2026-11-22T20:31:05.123456Z`. */
  readonly time: string;
}

/** How many of the first lines an archiving took, and the file beside the history that has them; 0 and `""` when none. */
export interface Archived {
  readonly lines: number;
  readonly file: string;
}

/** Bytes of the largest chunk that a snapshot or a feed gives. */
export const readChunkBytesDefault = 64 * 1024;

/** Lines, counted from 1 or, when negative, from the end (-1 is the last). Left out: the first, the last. */
export interface Range {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/**
 * Lines as they stood when it was opened, whatever is written or deleted meanwhile.
 *
 * Iterate `chunks` once: whole lines in order, cut into chunks at any byte. The end of the iteration, or disposing, releases
 * the storage that it holds. It can still be read to its end when the history is closed.
 */
export interface Snapshot extends AsyncDisposable {
  /** Positions of the first and the last line; `to` is `from - 1` when there is none. */
  readonly from: number;
  readonly to: number;
  /** Lines that the history had at that moment; the range was resolved against them. */
  readonly lines: number;
  /** Names the version: no change that the snapshot has seen is later, and every other one is. 1970 while there is none. */
  readonly time: string;
  /** @throws HistoryError `storage-failed` */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * A change feed: the lines from `from` as they stood when it was opened, then every line as it becomes durable. It holds
 * no lines in memory for a slow reader; a reader that stops must dispose of it.
 */
export interface Feed extends AsyncDisposable {
  readonly from: number;
  /**
   * Ends when the feed is disposed of, and after the last durable line when the history closes.
   *
   * @throws HistoryError `storage-failed`, after the last line that is known to be durable
   */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface HistorySize {
  readonly lines: number;
  readonly bytes: number;
}

/**
 * One history, open. All calls may be made at once, and each that acknowledges something throws HistoryError
 * `storage-full`, `storage-failed`, `storage-unavailable` or `closed`.
 *
 * Appends take effect in the order in which they were made, and deletes do. A read, a follow or a delete comes after
 * every append that was made before it, finished or not. Neither appends nor reads wait for a delete.
 */
export interface History extends AsyncDisposable {
  /** The kind of engine: `file`, … */
  readonly engine: string;

  /** Settles, and never rejects, with `undefined` after a close, with the error when a write has failed for good. */
  readonly ended: Promise<HistoryError | undefined>;

  /** Lines and bytes that are durable now. */
  size(): HistorySize;

  /** Resolves when an append could be acknowledged now, as far as can be told within two seconds and without writing. */
  check(): Promise<void>;

  /** Writes a request as the last line; resolves when it is durable. */
  append(entry: RequestEntry): Promise<AppendResult>;

  /** Writes, as the last line, a result that changed no line; resolves when it is durable. */
  record(by: Actor, result: Recorded): Promise<AppendResult>;

  /**
   * Deletes one line and writes the result as the last one, both or neither.
   *
   * @param line its position when the delete takes effect
   * @param timestamp if given, the first word that the line must have: if it has another, nothing is deleted
   * @throws HistoryError also `no-such-line`, `line-changed`
   */
  deleteLine(by: Actor, line: number, timestamp?: string): Promise<AppendResult>;

  /** Replaces all lines by one that says by whom, all or nothing. */
  deleteAll(by: Actor): Promise<AppendResult>;

  /**
   * Moves the first lines into a file of their own and writes the result as the last line. The file is durable before the
   * history lets go of its lines: a crash may leave a line in both and never in neither. Absent where an engine keeps its
   * lines in no file.
   *
   * @throws HistoryError also `line-changed`; after any error the history has all its lines
   */
  archive?(by: Actor, keep: Keep): Promise<Archived>;

  /**
   * Opens the lines of a range. A `to` past the last line means the last one, a negative `from` before the first the
   * first one. An empty history gives an empty range where no line of it is named: `{}`, `{ to: 5 }`, `{ from: -10 }`.
   *
   * @throws HistoryError also `range` when `from` is past the last line or after `to`
   */
  read(range?: Range): Promise<Snapshot>;

  /** Opens a feed from a line, or the next one to be written. @throws HistoryError also `range` when `from` is past that */
  follow(from?: number): Promise<Feed>;

  /** Finishes the writes that were begun, refuses new calls with `closed`, ends every feed, lets go of storage. */
  [Symbol.asyncDispose](): Promise<void>;
}
