/**
 * The lines of a history that are held, in pages: runs of neighbouring lines with gaps between them. Beyond a limit, the
 * page that has been out of view for longest is dropped.
 */

import { timestampOf } from "@wirebook/protocol";

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
  /** Lines that are held. */
  held = 0;
  readonly #linesMax: number;
  readonly #pageLines: number;
  #pages: LinePage[] = [];
  #uses = 0;

  constructor(linesMax: number, pageLines: number) {
    this.#linesMax = linesMax;
    this.#pageLines = pageLines;
  }

  /** Each page, with the position of its first line. */
  get pages(): readonly Readonly<LinePage>[] {
    return this.#pages;
  }

  /** The line at a position, if it is held. */
  at(position: number): string | undefined {
    const page = this.#pages[this.#indexOf(position)];
    return page?.lines[position - page.first];
  }

  /** The first position of the held lines that reach up to `last` without a gap; one past it when there are none. */
  tailFirst(last: number): number {
    let first = last + 1;
    for (let index = this.#pages.length - 1; index >= 0; index--) {
      const page = this.#pages[index] as LinePage;
      if (page.first + page.lines.length !== first) break;
      first = page.first;
    }
    return first;
  }

  /** The first range within another one that is not held, if there is one. */
  missing({ from, to }: LineRange): LineRange | undefined {
    let first = from;
    while (first <= to) {
      const page = this.#pages[this.#indexOf(first)];
      if (page === undefined) return { from: first, to: Math.min(to, (this.nextHeld(first) ?? Infinity) - 1) };
      first = page.first + page.lines.length;
    }
    return undefined;
  }

  /** The widest range around a position, within another one, that is not held, cut to `lines` lines around it. */
  gapAround(position: number, lines: number, within: LineRange): LineRange {
    const before = this.#pages.findLast(({ first }) => first <= position);
    const gapFrom = Math.max(within.from, before === undefined ? 1 : before.first + before.lines.length);
    const gapTo = Math.min(within.to, (this.nextHeld(position) ?? Infinity) - 1);
    const from = Math.max(gapFrom, Math.min(position - Math.floor(lines / 2), gapTo - lines + 1));
    return { from, to: Math.min(gapTo, from + lines - 1) };
  }

  /** The first position of the next page behind a position. */
  nextHeld(position: number): number | undefined {
    return this.#pages[this.#firstAfter(position)]?.first;
  }

  /** Notes that lines are in view: they are dropped last. */
  touch({ from, to }: LineRange): void {
    this.#uses += 1;
    for (const page of this.#pages) {
      if (page.first <= to && page.first + page.lines.length > from) page.usedAt = this.#uses;
    }
  }

  /** Puts a line at a position behind all that are held. */
  append(position: number, line: string): void {
    this.held += 1;
    const page = this.#pages.at(-1);
    const isNext = page !== undefined && page.first + page.lines.length === position;
    if (isNext && page.lines.length < this.#pageLines) page.lines.push(line);
    else this.#pages.push({ first: position, lines: [line], usedAt: ++this.#uses });
    this.#dropOldest();
  }

  /** Takes lines of which none is held yet. */
  insert(first: number, lines: string[]): void {
    this.#pages.splice(this.#firstAfter(first), 0, { first, lines, usedAt: ++this.#uses });
    this.held += lines.length;
    this.#dropOldest();
  }

  /** Takes a position out, and its line when it is held. False when that line has another timestamp. */
  remove(position: number, head: string): boolean {
    const index = this.#indexOf(position);
    const page = this.#pages[index];
    if (page !== undefined) {
      if (timestampOf(page.lines[position - page.first] as string) !== head) return false;
      page.lines.splice(position - page.first, 1);
      this.held -= 1;
      if (page.lines.length === 0) this.#pages.splice(index, 1);
    }
    for (const each of this.#pages) if (each.first > position) each.first -= 1;
    return true;
  }

  clear(): void {
    this.#pages = [];
    this.held = 0;
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
