/**
 * A copy of some of the history's lines, kept exact by its own change feed [H-12].
 *
 * Lines are known by position, from 1 to `last`. They are held in pages, runs of neighbouring lines; what lies between
 * two pages is known to be there, but is not held. When more than a bound is held, the page that was not looked at for the
 * longest time is let go. `apply` takes the next line of a follow: it belongs to the end, and if it is an outcome [H-7] it
 * says what else changed: positions behind a deleted line move up, and whoever holds a position as a bookmark holds the
 * same line afterwards. An outcome names the head of the line that it deleted; a copy in which that position has
 * another head is out of step with the server, says so, and must be made anew.
 */

import { decodeEntry, headOf } from "@wirebook/protocol";
import { historyLinesKept, historyPageLines } from "../limits.ts";
import { isOutcome } from "./line-sketch.ts";

/** A run of neighbouring lines. */
interface LinePage {
  first: number;
  readonly lines: string[];
  usedAt: number;
  /** An outcome up to this time may tell of a delete that these lines have seen already, or not. */
  readonly doubtUntil: string;
}

/** A position that moves along with its line. */
export interface Bookmark {
  position: number;
  /** Its line was deleted; the position is that of the line behind it. */
  isGone: boolean;
}

/** What a line of the feed did beside being added: a line was deleted, or all were. */
export interface Deletion {
  /** The time of the outcome that tells of it. */
  readonly time: string;
  readonly user: string;
  /** `undefined` for all lines. */
  readonly position: number | undefined;
  readonly head: string;
}

/** Is told of every line of the feed, before the line that was deleted goes, and of what the line did. */
export type FeedListener = (line: string, deletion: Deletion | undefined) => void;

export class HistoryCopy {
  /** Position of the last line. */
  last: number;
  /** The first position that can be had: behind the lines that a server without a follow will not be asked for again. */
  floor = 1;
  /** Lines that are held. */
  held = 0;
  /** Times that lines were put where none were held; what comes at the end is not counted. */
  puts = 0;
  #pages: LinePage[] = [];
  #uses = 0;
  readonly #bookmarks = new Set<Bookmark>();
  readonly #listeners = new Set<FeedListener>();
  readonly #linesMax: number;
  readonly #pageLines: number;

  /** A copy that holds nothing of a history of `last` lines. */
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

  /** The first position of the held lines that reach to the end without a gap; one past `last` when there are none. */
  get tailFirst(): number {
    let first = this.last + 1;
    for (let index = this.#pages.length - 1; index >= 0; index--) {
      const page = this.#pages[index] as LinePage;
      if (page.first + page.lines.length !== first) break;
      first = page.first;
    }
    return first;
  }

  /** The first stretch of lines within `from` to `to` that is not held, if there is one. */
  missing(from: number, to: number): { readonly from: number; readonly to: number } | undefined {
    let first = Math.max(this.floor, from);
    while (first <= Math.min(to, this.last)) {
      const page = this.#pages[this.#indexOf(first)];
      if (page === undefined) return { from: first, to: Math.min(to, this.last, this.#nextHeld(first) - 1) };
      first = page.first + page.lines.length;
    }
    return undefined;
  }

  /** The widest stretch around a position that is not held, cut to `lines` lines around it. */
  gapAround(position: number, lines: number): { readonly from: number; readonly to: number } {
    const before = this.#pages.findLast(({ first }) => first <= position);
    const gapFrom = Math.max(this.floor, before === undefined ? 1 : before.first + before.lines.length);
    const gapTo = Math.min(this.last, this.#nextHeld(position) - 1);
    const from = Math.max(gapFrom, Math.min(position - Math.floor(lines / 2), gapTo - lines + 1));
    return { from, to: Math.min(gapTo, from + lines - 1) };
  }

  /** Notes that lines are looked at: they are let go last. */
  touch(from: number, to: number): void {
    this.#uses += 1;
    for (const page of this.#pages) {
      if (page.first <= to && page.first + page.lines.length > from) page.usedAt = this.#uses;
    }
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
    this.held += 1;
    const page = this.#pages.at(-1);
    const isNext = page !== undefined && page.first + page.lines.length === this.last;
    if (isNext && page.lines.length < this.#pageLines) page.lines.push(line);
    else this.#pages.push({ first: this.last, lines: [line], usedAt: ++this.#uses, doubtUntil: "" });
    this.#letGo();
  }

  /** Takes lines that were read; those that are held already stay as they are. */
  put(first: number, lines: readonly string[], doubtUntil = ""): void {
    let from = 0;
    while (from < lines.length) {
      if (this.at(first + from) !== undefined) from += 1;
      else {
        const to = Math.min(lines.length, this.#nextHeld(first + from) - first);
        this.puts += 1;
        this.#insert({ first: first + from, lines: lines.slice(from, to), usedAt: ++this.#uses, doubtUntil });
        from = to;
      }
    }
    this.#letGo();
  }

  /** Takes over what another copy of the same history holds. */
  adopt(other: HistoryCopy): void {
    for (const { first, lines, doubtUntil } of other.#pages) this.put(first, lines, doubtUntil);
  }

  /** Removes a line. False when it cannot be the one that is meant. */
  delete(position: number, head: string, time = ""): boolean {
    if (position < 1 || position > this.last) return false;
    this.#dropDoubtful(position, time);
    const index = this.#indexOf(position);
    const page = this.#pages[index];
    if (page !== undefined) {
      if (headOf(page.lines[position - page.first] as string) !== head) return false;
      page.lines.splice(position - page.first, 1);
      this.held -= 1;
      if (page.lines.length === 0) this.#pages.splice(index, 1);
    }
    for (const each of this.#pages) if (each.first > position) each.first -= 1;
    for (const bookmark of this.#bookmarks) {
      if (bookmark.position === position) bookmark.isGone = true;
      else if (bookmark.position > position) bookmark.position -= 1;
    }
    this.last -= 1;
    return true;
  }

  #clear(): void {
    this.#pages = [];
    this.last = 0;
    this.held = 0;
    for (const bookmark of this.#bookmarks) Object.assign(bookmark, { position: 1, isGone: true });
  }

  /** Lines that may or may not have seen a delete are read again rather than believed. */
  #dropDoubtful(position: number, time: string): void {
    this.#pages = this.#pages.filter((page) => {
      const isDoubtful = time <= page.doubtUntil && page.first + page.lines.length > position;
      if (isDoubtful) this.held -= page.lines.length;
      return !isDoubtful;
    });
  }

  /** Index of the page that holds a position, or -1. */
  #indexOf(position: number): number {
    const index = this.#firstAfter(position) - 1;
    const page = this.#pages[index];
    return page !== undefined && position < page.first + page.lines.length ? index : -1;
  }

  /** Index of the first page that begins behind a position. */
  #firstAfter(position: number): number {
    let low = 0;
    let high = this.#pages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pages[middle] as LinePage).first > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #nextHeld(position: number): number {
    return this.#pages[this.#firstAfter(position)]?.first ?? this.last + 1;
  }

  #insert(page: LinePage): void {
    this.#pages.splice(this.#firstAfter(page.first), 0, page);
    this.held += page.lines.length;
  }

  /** The newest page stays: lines are being added to it. */
  #letGo(): void {
    while (this.held > this.#linesMax && this.#pages.length > 1) {
      let oldest = 0;
      for (let index = 1; index < this.#pages.length - 1; index++) {
        if ((this.#pages[index] as LinePage).usedAt < (this.#pages[oldest] as LinePage).usedAt) oldest = index;
      }
      this.held -= (this.#pages.splice(oldest, 1)[0] as LinePage).lines.length;
    }
  }
}

/** What an outcome says was deleted; `undefined` for any other line. */
export function deletionOf(line: string): Deletion | undefined {
  const entry = decodeEntry(line);
  if (entry.kind !== "outcome") return undefined;
  const { time, user, outcome } = entry;
  switch (outcome.verb) {
    case "deleted-line":
      return { time, user, position: outcome.line, head: outcome.head };
    case "deleted-all":
      return { time, user, position: undefined, head: "" };
    case "created-user":
      return undefined;
  }
}
