/**
 * A history's lines, by position from 1 to `last`. Some of them are held, in pages: runs of neighbouring lines with gaps
 * between them. Beyond a limit, the page that has been out of view for longest is dropped.
 */

import { timestampOf } from "@wirebook/protocol";
import { firstIndex } from "../../ui/first-index.ts";

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

export class LineCache {
  /** Position of the last line. */
  last: number;
  /** The first position that can be read: a server without ranges is not asked again for the lines before it. */
  floor = 1;
  /** Lines that are held. */
  held = 0;
  /** Times that lines were put where none were held; lines that come at the end are not counted. */
  puts = 0;
  readonly #linesMax: number;
  readonly #pageLines: number;
  #pages: LinePage[] = [];
  #uses = 0;

  /** Holds nothing of a history of `last` lines. */
  constructor(last: number, linesMax: number, pageLines: number) {
    this.last = last;
    this.#linesMax = linesMax;
    this.#pageLines = pageLines;
  }

  /** The line at a position, if it is held. */
  at(position: number): string | undefined {
    const page = this.#pages[this.#indexOf(position)];
    return page?.lines[position - page.first];
  }

  /** The lines that are held, in order: runs of neighbours. */
  get runs(): Iterable<{ readonly first: number; readonly lines: readonly string[] }> {
    return this.#pages;
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

  /** The first range of lines within `from` to `to` that is not held, if there is one. */
  missing(from: number, to: number): LineRange | undefined {
    const last = Math.min(to, this.last);
    let first = Math.max(this.floor, from);
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
    const gapFrom = Math.max(this.floor, before === undefined ? 1 : before.first + before.lines.length);
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
        this.puts += 1;
        this.#insert(first + from, lines.slice(from, to));
        from = to;
      }
    }
  }

  /** Takes over the lines that another one holds of the same history. */
  adopt(other: LineCache): void {
    for (const { first, lines } of other.#pages) this.put(first, lines);
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
    return true;
  }

  clear(): void {
    this.#pages = [];
    this.held = 0;
    this.last = 0;
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
