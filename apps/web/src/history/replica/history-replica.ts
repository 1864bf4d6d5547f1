/**
 * A copy of some of the history's lines, kept exact by its own change feed [H-12]. Lines have positions from 1 to `last`. Those that
 * are held are in pages: runs of neighbouring lines with gaps between them. Beyond a limit, the page that has been out of
 * view for longest is dropped.
 *
 * `apply` takes the next line of a follow. It belongs to the end, and a result line [H-7] says what else changed:
 * positions behind a deleted line move up, and a bookmark stays with its line. A result names the timestamp of the
 * line that it deleted. A replica in which that position has another timestamp is out of step, says so, and must be made anew.
 */

import { decodeEntry, timestampOf } from "@wirebook/protocol";
import type { Entry } from "@wirebook/protocol";
import { historyLinesKept, historyPageLines } from "../../limits.ts";
import { isResult, timeOf } from "../view/line-text.ts";
import { firstIndex } from "../../ui/first-index.ts";

/** What a line of the feed did besides being added: a line was deleted, or all were. */
export interface Deletion {
  /** The time of the line that tells of it. */
  readonly time: string;
  /** `undefined` for all lines. */
  readonly position: number | undefined;
  /** The timestamp of the deleted line; `""` for all lines. */
  readonly head: string;
}

/** What a result line says was deleted; `undefined` for any other line. */
function deletionOf(line: string): Deletion | undefined {
  const entry = resultIn(line);
  if (entry === undefined) return undefined;
  const { time, result } = entry;
  if (result.verb === "deleted-all") return { time, position: undefined, head: "" };
  return result.verb === "deleted-line" ? { time, position: result.line, head: result.head } : undefined;
}

function resultIn(line: string): Extract<Entry, { readonly kind: "result" }> | undefined {
  const entry = isResult(line) ? decodeEntry(line) : undefined;
  return entry?.kind === "result" ? entry : undefined;
}

/** A position that moves along with its line. */
export interface Bookmark {
  position: number;
  /** Its line was deleted; the position is that of the line behind it. */
  isGone: boolean;
}

/** Receives every line of the feed, before the deleted line goes, and what the line deleted. */
export type FeedListener = (line: string, deletion: Deletion | undefined) => void;

/** A run of neighbouring lines. */
interface LinePage {
  first: number;
  readonly lines: string[];
  usedAt: number;
}

/** Positions of lines, both ends included. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

export class HistoryReplica {
  /** Position of the last line. */
  last: number;
  /** Lines that are held. */
  held = 0;
  /** Grows with every change but that of a line at the end. */
  changes = 0;
  /** The version that it has reached: the newest time that the feed brought. */
  newestTime = "";
  readonly #linesMax: number;
  readonly #pageLines: number;
  #pages: LinePage[] = [];
  #uses = 0;
  readonly #bookmarks = new Set<Bookmark>();
  readonly #listeners = new Set<FeedListener>();

  /** Holds nothing of a history of `last` lines. */
  constructor(last = 0, linesMax: number = historyLinesKept, pageLines: number = historyPageLines) {
    this.last = last;
    this.#linesMax = linesMax;
    this.#pageLines = pageLines;
  }

  /** The line at a position, if it is held. */
  at(position: number): string | undefined {
    const page = this.#pages[this.#indexOf(position)];
    return page?.lines[position - page.first];
  }

  /** The lines that are held from a position on, in order. */
  *heldFrom(from: number): Generator<[position: number, line: string]> {
    for (let index = Math.max(0, this.#firstAfter(from) - 1); index < this.#pages.length; index++) {
      const { first, lines } = this.#pages[index] as LinePage;
      for (let at = Math.max(0, from - first); at < lines.length; at++) yield [first + at, lines[at] as string];
    }
  }

  /** The first range of lines within `from` to `to` that is not held, if there is one. */
  missing(from: number, to: number): LineRange | undefined {
    const last = Math.min(to, this.last);
    let first = Math.max(1, from);
    while (first <= last) {
      const page = this.#pages[this.#indexOf(first)];
      if (page === undefined) return { from: first, to: Math.min(last, (this.#nextHeld(first) ?? Infinity) - 1) };
      first = page.first + page.lines.length;
    }
    return undefined;
  }

  /** The widest range around a position that is not held, cut to `lines` lines around it. */
  gapAround(position: number, lines: number): LineRange {
    const before = this.#pages.findLast(({ first }) => first <= position);
    const gapFrom = before === undefined ? 1 : before.first + before.lines.length;
    const gapTo = Math.min(this.last, (this.#nextHeld(position) ?? Infinity) - 1);
    const from = Math.max(gapFrom, Math.min(position - Math.floor(lines / 2), gapTo - lines + 1));
    return { from, to: Math.min(gapTo, from + lines - 1) };
  }

  /** Notes that lines are in view: they are dropped last. */
  touch(from: number, to: number): void {
    this.#uses += 1;
    for (const page of this.#pages) {
      if (page.first <= to && page.first + page.lines.length > from) page.usedAt = this.#uses;
    }
  }

  /** Keeps track of a position from now on. */
  mark(position: number): Bookmark {
    const bookmark = { position, isGone: false };
    this.#bookmarks.add(bookmark);
    return bookmark;
  }

  /** Takes over a bookmark of another replica, at the position that it had. */
  keepMark(bookmark: Bookmark): void {
    bookmark.position = Math.max(1, Math.min(this.last, bookmark.position));
    this.#bookmarks.add(bookmark);
  }

  unmark(bookmark: Bookmark): void {
    this.#bookmarks.delete(bookmark);
  }

  /** Listens to the feed until the returned function is called. */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes the next line of the feed. False when the replica is out of step. So it is after an archiving, which may take
   * most of the lines and is rare: reading the rest anew is simpler than moving all positions.
   */
  apply(line: string): boolean {
    if (resultIn(line)?.result.verb === "archived") return false;
    const deletion = deletionOf(line);
    for (const listener of this.#listeners) listener(line, deletion);
    const time = timeOf(line);
    if (time > this.newestTime) this.newestTime = time;
    if (deletion !== undefined) {
      if (deletion.position === undefined) this.clear();
      else if (!this.delete(deletion.position, deletion.head)) return false;
    }
    this.append(line);
    return true;
  }

  /** Puts a line at the end. */
  append(line: string): void {
    this.last += 1;
    this.held += 1;
    const page = this.#pages.at(-1);
    const isNext = page !== undefined && page.first + page.lines.length === this.last;
    if (isNext && page.lines.length < this.#pageLines) page.lines.push(line);
    else this.#pages.push({ first: this.last, lines: [line], usedAt: ++this.#uses });
    this.#dropOldest();
  }

  /** Takes lines that were read; those that are held already stay as they are. */
  put(first: number, lines: readonly string[]): void {
    let from = 0;
    while (from < lines.length && first + from <= this.last) {
      if (this.at(first + from) !== undefined) from += 1;
      else {
        const next = this.#nextHeld(first + from) ?? this.last + 1;
        const to = Math.min(lines.length, next - first);
        this.changes += 1;
        this.#insert(first + from, lines.slice(from, to));
        from = to;
      }
    }
  }

  /** Removes a line, held or not. False when it cannot be the one that has this timestamp. */
  delete(position: number, head: string): boolean {
    if (position < 1 || position > this.last) return false;
    const index = this.#indexOf(position);
    const page = this.#pages[index];
    if (page !== undefined) {
      if (timestampOf(page.lines[position - page.first] as string) !== head) return false;
      page.lines.splice(position - page.first, 1);
      this.held -= 1;
      if (page.lines.length === 0) this.#pages.splice(index, 1);
    }
    for (const each of this.#pages) if (each.first > position) each.first -= 1;
    this.last -= 1;
    this.changes += 1;
    for (const bookmark of this.#bookmarks) {
      if (bookmark.position === position) bookmark.isGone = true;
      else if (bookmark.position > position) bookmark.position -= 1;
    }
    return true;
  }

  clear(): void {
    this.#pages = [];
    this.held = 0;
    this.last = 0;
    this.changes += 1;
    for (const bookmark of this.#bookmarks) Object.assign(bookmark, { position: 1, isGone: true });
  }

  /** Takes lines of which none is held yet. */
  #insert(first: number, lines: string[]): void {
    this.#pages.splice(this.#firstAfter(first), 0, { first, lines, usedAt: ++this.#uses });
    this.held += lines.length;
    this.#dropOldest();
  }

  /** The first position of the next page behind a position. */
  #nextHeld(position: number): number | undefined {
    return this.#pages[this.#firstAfter(position)]?.first;
  }

  /** Index of the page that holds a position, or -1. */
  #indexOf(position: number): number {
    const index = this.#firstAfter(position) - 1;
    const page = this.#pages[index];
    return page !== undefined && position < page.first + page.lines.length ? index : -1;
  }

  /** Index of the first page that begins behind a position. */
  #firstAfter(position: number): number {
    return firstIndex(this.#pages.length, (index) => (this.#pages[index] as LinePage).first > position);
  }

  /** The newest page stays: lines are being added to it. */
  #dropOldest(): void {
    while (this.held > this.#linesMax && this.#pages.length > 1) {
      let oldest = 0;
      for (let index = 1; index < this.#pages.length - 1; index++) {
        if ((this.#pages[index] as LinePage).usedAt < (this.#pages[oldest] as LinePage).usedAt) oldest = index;
      }
      this.held -= (this.#pages.splice(oldest, 1)[0] as LinePage).lines.length;
    }
  }
}
