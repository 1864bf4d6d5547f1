/**
 * A copy of some of the history's lines, kept exact by its own change feed [H-12].
 *
 * Lines are known by position, from 1 to `last`; some of them are held (see `LineCache`), and of the others it is known
 * that they are there. `apply` takes the next line of a follow: it belongs to the end, and if it is an outcome [H-7] it
 * says what else changed: positions behind a deleted line move up, and whoever holds a position as a bookmark holds the
 * same line afterwards. An outcome names the head of the line that it deleted; a copy in which that position has
 * another head is out of step with the server, says so, and must be made anew.
 */

import { historyLinesKept, historyPageLines } from "../../limits.ts";
import { deletionOf } from "./deletion.ts";
import type { Deletion } from "./deletion.ts";
import { LineCache } from "./line-cache.ts";
import type { TimeRange } from "./line-cache.ts";
import { isOutcome } from "../view/line-sketch.ts";

/** A position that moves along with its line. */
export interface Bookmark {
  position: number;
  /** Its line was deleted; the position is that of the line behind it. */
  isGone: boolean;
}

/** Is told of every line of the feed, before the line that was deleted goes, and of what the line did. */
export type FeedListener = (line: string, deletion: Deletion | undefined) => void;

export class HistoryReplica {
  /** Position of the last line. */
  last: number;
  /** The first position that can be had: behind the lines that a server without a follow will not be asked for again. */
  floor = 1;
  /** Times that lines were put where none were held; what comes at the end is not counted. */
  puts = 0;
  readonly #pages: LineCache;
  readonly #bookmarks = new Set<Bookmark>();
  readonly #listeners = new Set<FeedListener>();

  /** A copy that holds nothing of a history of `last` lines. */
  constructor(last = 0, linesMax: number = historyLinesKept, pageLines: number = historyPageLines) {
    this.last = last;
    this.#pages = new LineCache(linesMax, pageLines);
  }

  /** Lines that are held. */
  get held(): number {
    return this.#pages.held;
  }

  /** The line at a position, if it is held. */
  at(position: number): string | undefined {
    return this.#pages.at(position);
  }

  /** The first position of the held lines that reach to the end without a gap; one past `last` when there are none. */
  get tailFirst(): number {
    return this.#pages.tailFirst(this.last);
  }

  /** The first stretch of lines within `from` to `to` that is not held, if there is one. */
  missing(from: number, to: number): TimeRange | undefined {
    return this.#pages.missing({ from: Math.max(this.floor, from), to: Math.min(to, this.last) });
  }

  /** The widest stretch around a position that is not held, cut to `lines` lines around it. */
  gapAround(position: number, lines: number): TimeRange {
    return this.#pages.gapAround(position, lines, { from: this.floor, to: this.last });
  }

  /** Notes that lines are looked at: they are let go last. */
  touch(from: number, to: number): void {
    this.#pages.touch({ from, to });
  }

  /** Holds a position from now on. */
  mark(position: number): Bookmark {
    const bookmark = { position, isGone: false };
    this.#bookmarks.add(bookmark);
    return bookmark;
  }

  /** Takes a bookmark of another copy in, as it stands. */
  keepMark(bookmark: Bookmark): void {
    this.#bookmarks.add(bookmark);
  }

  /** Lets go of a position. */
  unmark(bookmark: Bookmark): void {
    this.#bookmarks.delete(bookmark);
  }

  get bookmarks(): Iterable<Bookmark> {
    return this.#bookmarks;
  }

  /** Listens to the feed until the returned function is called. */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes the next line of the feed. False when the copy is out of step. */
  apply(line: string): boolean {
    const deletion = isOutcome(line) ? deletionOf(line) : undefined;
    for (const listener of this.#listeners) listener(line, deletion);
    if (deletion !== undefined) {
      const { position, head, time } = deletion;
      if (position === undefined) this.#clear();
      else if (!this.delete(position, head, time)) return false;
    }
    this.append(line);
    return true;
  }

  /** Puts a line at the end, whatever it says. */
  append(line: string): void {
    this.last += 1;
    this.#pages.append(this.last, line);
  }

  /** Takes lines that were read; those that are held already stay as they are. */
  put(first: number, lines: readonly string[], doubtUntil = ""): void {
    let from = 0;
    while (from < lines.length) {
      if (this.at(first + from) !== undefined) from += 1;
      else {
        const next = this.#pages.nextHeld(first + from) ?? this.last + 1;
        const to = Math.min(lines.length, next - first);
        this.puts += 1;
        this.#pages.insert(first + from, lines.slice(from, to), doubtUntil);
        from = to;
      }
    }
  }

  /** Takes over what another copy of the same history holds. */
  adopt(other: HistoryReplica): void {
    for (const { first, lines, doubtUntil } of other.#pages.all) this.put(first, lines, doubtUntil);
  }

  /**
   * Removes a line. False when it cannot be the one that is meant. Lines that may have seen that delete already are read
   * again rather than believed.
   */
  delete(position: number, head: string, time = ""): boolean {
    if (position < 1 || position > this.last) return false;
    this.#pages.dropDoubtful(position, time);
    if (!this.#pages.remove(position, head)) return false;
    for (const bookmark of this.#bookmarks) {
      if (bookmark.position === position) bookmark.isGone = true;
      else if (bookmark.position > position) bookmark.position -= 1;
    }
    this.last -= 1;
    return true;
  }

  #clear(): void {
    this.#pages.clear();
    this.last = 0;
    for (const bookmark of this.#bookmarks) Object.assign(bookmark, { position: 1, isGone: true });
  }
}
