/**
 * Which rows there are for lines: each has its own, a day that begins has one above its first line, and background requests
 * that follow each other fold into one. A day is known to begin where two neighbours that are held have
 * times of different days; a line without a time belongs to the day before it.
 *
 * A history may have a million lines of which few are held, so only what differs from a row for each line is kept, as marks in
 * order. Lines that come at the end add to them. After any other change they are made anew, which takes some ten
 * milliseconds for all lines that a page holds and is simpler than moving them.
 */

import { firstIndex } from "../../ui/first-index.ts";
import type { Zone } from "../../ui/format.ts";
import { dayKeyOf, timeOf } from "./line-text.ts";

/** Lines by number: those of a replica by their position, matches by their rank. */
export interface RowSource {
  /** Grows with every change but that of a line at the end. */
  readonly changes: number;
  readonly last: number;
  /** The lines that are held from a number on, in order. */
  readonly heldFrom: (from: number) => Iterable<readonly [at: number, line: string]>;
}

export interface Row {
  readonly kind: "line" | "day" | "fold";
  /** The line that stands there; of a day or a fold, the first one. */
  readonly at: number;
  /** The last line of a fold. */
  readonly to: number;
}

interface Mark {
  readonly kind: "day" | "fold";
  readonly from: number;
  to: number;
  /** Rows that the marks before this one add to a row for each line. */
  readonly added: number;
}

export class Rows {
  #marks: Mark[] = [];
  #changes = -1;
  /** The line behind the last one that was added. */
  #next = 0;
  #day = "";
  readonly #zone: Zone;
  readonly #isFolded: (line: string) => boolean;

  /** @param isFolded true for lines that fold */
  constructor(zone: Zone, isFolded: (line: string) => boolean) {
    this.#zone = zone;
    this.#isFolded = isFolded;
  }

  /** Catches up with the lines. */
  update(source: RowSource): void {
    if (this.#changes !== source.changes) {
      this.#changes = source.changes;
      this.#marks = [];
      this.#next = 0;
      this.#day = "";
    }
    if (this.#next > source.last) return;
    for (const [at, line] of source.heldFrom(this.#next)) this.#add(at, line);
    this.#next = source.last + 1;
  }

  #add(at: number, line: string): void {
    if (at !== this.#next) this.#day = "";
    this.#next = at + 1;
    const day = dayKeyOf(timeOf(line), this.#zone);
    if (day !== "" && this.#day !== "" && day !== this.#day) this.#mark("day", at);
    if (day !== "") this.#day = day;
    if (!this.#isFolded(line)) return;
    const last = this.#marks.at(-1);
    const fold = last?.kind === "fold" && last.to === at - 1 ? last : this.#mark("fold", at);
    fold.to = at;
  }

  #mark(kind: Mark["kind"], at: number): Mark {
    const before = this.#marks.at(-1);
    const added = before === undefined ? 0 : addedWith(before);
    const mark = { kind, from: at, to: at, added };
    this.#marks.push(mark);
    return mark;
  }

  /** How many rows the lines have. */
  count(first: number, last: number): number {
    return last < first ? 0 : this.rowOf(last, first) + 1;
  }

  /** The row of a line, or of the fold in which it is. */
  rowOf(at: number, first: number): number {
    const mark = this.#markOf(at);
    if (mark === undefined) return at - first;
    return mark.kind === "fold" && at <= mark.to ? ownRow(mark, first) : at - first + addedWith(mark);
  }

  /** What stands in a row. */
  rowAt(row: number, first: number): Row {
    const mark = this.#marks[firstIndex(this.#marks.length, (index) => ownRow(this.#markAt(index), first) > row) - 1];
    if (mark !== undefined && ownRow(mark, first) === row) {
      return { kind: mark.kind, at: mark.from, to: mark.to };
    }
    const at = row + first - (mark === undefined ? 0 : addedWith(mark));
    return { kind: "line", at, to: at };
  }

  /** True for a line that has no row of its own. */
  isFolded(at: number): boolean {
    const mark = this.#markOf(at);
    return mark?.kind === "fold" && at <= mark.to;
  }

  /** How many lines of these have a row of their own. */
  shown(from: number, to: number): number {
    let shown = Math.max(0, to - from + 1);
    for (let index = this.#indexOf(to); index >= 0; index--) {
      const mark = this.#markAt(index);
      if (mark.to < from) break;
      if (mark.kind === "fold") shown -= Math.min(mark.to, to) - Math.max(mark.from, from) + 1;
    }
    return shown;
  }

  /** The last mark at a line or before it. */
  #markOf(at: number): Mark | undefined {
    return this.#marks[this.#indexOf(at)];
  }

  #indexOf(at: number): number {
    return firstIndex(this.#marks.length, (index) => this.#markAt(index).from > at) - 1;
  }

  #markAt(index: number): Mark {
    return this.#marks[index] as Mark;
  }
}

function ownRow({ from, added }: Mark, first: number): number {
  return from - first + added;
}

/** Rows that a mark and those before it add: a fold has one for all its lines. */
function addedWith({ kind, from, to, added }: Mark): number {
  return added + (kind === "fold" ? from - to : 1);
}
