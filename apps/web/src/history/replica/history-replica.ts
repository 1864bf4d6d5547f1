/**
 * A copy of some of the history's lines, kept exact by its own change feed [H-12].
 *
 * Lines are known by position, from 1 to `last`. Some of them are held (see `LineCache`); the others are known to exist.
 * `apply` takes the next line of a follow. It belongs to the end, and a result line [H-7] says what else changed:
 * positions behind a deleted line move up, and a bookmark stays with its line. A result names the timestamp of the
 * line that it deleted. A replica in which that position has another timestamp is out of step, says so, and must be made anew.
 */

import { decodeEntry } from "@wirebook/protocol";
import { historyLinesKept, historyPageLines } from "../../limits.ts";
import { isResult, timeOf } from "../view/line-text.ts";
import { LineCache } from "./line-cache.ts";
import type { LineRange } from "./line-cache.ts";

/** What a line of the feed did besides being added: a line was deleted, or all were. */
export interface Deletion {
  /** The time of the line that tells of it. */
  readonly time: string;
  readonly user: string;
  /** `undefined` for all lines. */
  readonly position: number | undefined;
  /** The timestamp of the deleted line; `""` for all lines. */
  readonly head: string;
}

/** What a result line says was deleted; `undefined` for any other line. */
export function deletionOf(line: string): Deletion | undefined {
  const entry = isResult(line) ? decodeEntry(line) : undefined;
  if (entry?.kind !== "result") return undefined;
  const { time, user, result } = entry;
  if (result.verb === "deleted-all") return { time, user, position: undefined, head: "" };
  return result.verb === "deleted-line" ? { time, user, position: result.line, head: result.head } : undefined;
}

/** A position that moves along with its line. */
export interface Bookmark {
  position: number;
  /** Its line was deleted; the position is that of the line behind it. */
  isGone: boolean;
}

/** Receives every line of the feed, before the deleted line goes, and what the line deleted. */
export type FeedListener = (line: string, deletion: Deletion | undefined) => void;

export class HistoryReplica {
  /** Position of the last line. */
  last: number;
  /** The first position that can be read: a server without ranges is not asked again for the lines before it. */
  floor = 1;
  /** The version that it has reached: the newest time that the feed brought. */
  newestTime = "";
  /** Times that lines were put where none were held; lines that come at the end are not counted. */
  puts = 0;
  readonly #cache: LineCache;
  readonly #bookmarks = new Set<Bookmark>();
  readonly #listeners = new Set<FeedListener>();

  /** A replica that holds nothing of a history of `last` lines. */
  constructor(last = 0, linesMax: number = historyLinesKept, pageLines: number = historyPageLines) {
    this.last = last;
    this.#cache = new LineCache(linesMax, pageLines);
  }

  /** Lines that are held. */
  get held(): number {
    return this.#cache.held;
  }

  /** The line at a position, if it is held. */
  at(position: number): string | undefined {
    return this.#cache.at(position);
  }

  /** The first position of the held lines that reach to the end without a gap; one past `last` when there are none. */
  get tailFirst(): number {
    return this.#cache.tailFirst(this.last);
  }

  /** The first range of lines within `from` to `to` that is not held, if there is one. */
  missing(from: number, to: number): LineRange | undefined {
    return this.#cache.missing({ from: Math.max(this.floor, from), to: Math.min(to, this.last) });
  }

  /** The widest range around a position that is not held, cut to `lines` lines around it. */
  gapAround(position: number, lines: number): LineRange {
    return this.#cache.gapAround(position, lines, { from: this.floor, to: this.last });
  }

  /** Notes that lines are in view: they are dropped last. */
  touch(from: number, to: number): void {
    this.#cache.touch({ from, to });
  }

  /** Keeps track of a position from now on. */
  mark(position: number): Bookmark {
    const bookmark = { position, isGone: false };
    this.#bookmarks.add(bookmark);
    return bookmark;
  }

  /** Takes over a bookmark of another replica, as it stands. */
  keepMark(bookmark: Bookmark): void {
    this.#bookmarks.add(bookmark);
  }

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

  /** Takes the next line of the feed. False when the replica is out of step. */
  apply(line: string): boolean {
    const deletion = deletionOf(line);
    for (const listener of this.#listeners) listener(line, deletion);
    const time = timeOf(line);
    if (time > this.newestTime) this.newestTime = time;
    if (deletion !== undefined) {
      if (deletion.position === undefined) this.#clear();
      else if (!this.delete(deletion.position, deletion.head)) return false;
    }
    this.append(line);
    return true;
  }

  /** Puts a line at the end, whatever it says. */
  append(line: string): void {
    this.last += 1;
    this.#cache.append(this.last, line);
  }

  /** Takes lines that were read; those that are held already stay as they are. */
  put(first: number, lines: readonly string[]): void {
    let from = 0;
    while (from < lines.length && first + from <= this.last) {
      if (this.at(first + from) !== undefined) from += 1;
      else {
        const next = this.#cache.nextHeld(first + from) ?? this.last + 1;
        const to = Math.min(lines.length, next - first);
        this.puts += 1;
        this.#cache.insert(first + from, lines.slice(from, to));
        from = to;
      }
    }
  }

  /** Takes over the lines that another replica of the same history holds. */
  adopt(other: HistoryReplica): void {
    for (const { first, lines } of other.#cache.pages) this.put(first, lines);
  }

  /** Removes a line. False when it cannot be the one that is meant. */
  delete(position: number, head: string): boolean {
    if (position < 1 || position > this.last || !this.#cache.remove(position, head)) return false;
    for (const bookmark of this.#bookmarks) {
      if (bookmark.position === position) bookmark.isGone = true;
      else if (bookmark.position > position) bookmark.position -= 1;
    }
    this.last -= 1;
    return true;
  }

  #clear(): void {
    this.#cache.clear();
    this.last = 0;
    for (const bookmark of this.#bookmarks) Object.assign(bookmark, { position: 1, isGone: true });
  }
}
