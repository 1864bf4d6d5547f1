/**
 * Which rows there are for lines: each has its own, a day that begins has one above its first line, and background requests
 * that follow each other fold into one. Of a million lines few are held, so only what differs from a row for each line is kept,
 * as marks in order. Lines at the end add to them; after any other change they are made anew, in some ten milliseconds.
 */

import { firstIndex } from "../../ui/first-index.ts";
import type { Zone } from "../../ui/format.ts";
import { dayKeyOf, isBackground, timeOf } from "./line-text.ts";

/** Lines of the history by their place from 1, or matches by their rank. */
export interface RowSource {
  /** Grows with every change but that of a line at the end. */
  readonly changes: number;
  readonly last: number;
  readonly heldFrom: (from: number) => Iterable<readonly [at: number, line: string]>;
}

export interface Row {
  readonly kind: "line" | "day" | "fold";
  /** The line that stands there; of a day or a fold, the first one. */
  readonly at: number;
  /** The last line of a fold. */
  readonly to: number;
}

interface Mark extends Row {
  to: number;
  readonly row: number;
  /** The line in the row behind it. */
  next: number;
}

const start: Mark = { kind: "day", at: 1, to: 0, row: -1, next: 1 };

export class Rows {
  #marks: Mark[] = [];
  #made: readonly unknown[] = [];
  #next = 1;
  #day = "";
  #last = 0;

  update(source: RowSource, zone: Zone, isFolding: boolean): void {
    const wanted = [source, source.changes, zone, isFolding];
    if (wanted.some((part, index) => part !== this.#made[index])) {
      this.#made = wanted;
      this.#marks = [];
      this.#next = 1;
      this.#day = "";
    }
    this.#last = source.last;
    if (this.#next > this.#last) return;
    for (const [at, line] of source.heldFrom(this.#next)) this.#add(at, line, zone, isFolding);
    this.#next = this.#last + 1;
  }

  #add(at: number, line: string, zone: Zone, isFolding: boolean): void {
    if (at !== this.#next) this.#day = "";
    this.#next = at + 1;
    const day = dayKeyOf(timeOf(line), zone);
    if (day !== "" && this.#day !== "" && day !== this.#day) this.#mark("day", at);
    this.#day = day || this.#day;
    if (!isFolding || !isBackground(line)) return;
    const last = this.#marks.at(-1);
    if (last?.kind === "fold" && last.next === at) [last.to, last.next] = [at, at + 1];
    else this.#mark("fold", at);
  }

  #mark(kind: Row["kind"], at: number): void {
    const before = this.#marks.at(-1) ?? start;
    this.#marks.push({ kind, at, to: at, row: before.row + 1 + at - before.next, next: kind === "fold" ? at + 1 : at });
  }

  get count(): number {
    return this.#last < 1 ? 0 : this.rowOf(this.#last) + 1;
  }

  /** The row of a line, or of the fold in which it is. */
  rowOf(at: number): number {
    const { row, next } = this.#markBefore((each) => each.at > at);
    return at < next ? row : row + 1 + at - next;
  }

  rowAt(row: number): Row {
    const mark = this.#markBefore((each) => each.row > row);
    const at = mark.next + row - mark.row - 1;
    return mark.row === row ? mark : { kind: "line", at, to: at };
  }

  /** The last mark before the first one that is beyond. */
  #markBefore(isBeyond: (mark: Mark) => boolean): Mark {
    return this.#marks[firstIndex(this.#marks.length, (index) => isBeyond(this.#marks[index] as Mark)) - 1] ?? start;
  }
}
