/**
 * Which rows there are for a run of items, such as lines by their number: each has its own, a day that begins has one before
 * its first item, and background requests that follow each other fold into one, which unfolds below itself.
 *
 * A history may have a million lines of which few are known, so only what differs from one row an item is kept: the items at which
 * days begin, and the folded ranges, both in order. Finding a row takes two nested binary searches.
 */

import { foldsKept } from "../../limits.ts";
import { firstIndex } from "../../ui/first-index.ts";

export type Row =
  | { readonly kind: "line" | "day"; readonly at: number }
  | { readonly kind: "fold"; readonly at: number; readonly to: number; readonly isOpen: boolean };

interface Fold {
  from: number;
  to: number;
  isOpen: boolean;
}

export class RowLayout {
  #days: number[] = [];
  #folds: Fold[] = [];
  /** Rows that the folds before each one add to one row an item; of the first `#summed` folds. */
  #added: number[] = [0];
  #summed = 0;

  /** How many rows the items have. */
  count(first: number, last: number): number {
    return last < first ? 0 : this.#start(last + 1, first);
  }

  /** Items from one to another that have a row of their own. */
  shown(from: number, to: number): number {
    let shown = Math.max(0, to - from + 1);
    for (let index = this.#folds.length - 1; index >= 0; index--) {
      const fold = this.#folds[index] as Fold;
      if (fold.to < from) break;
      if (!fold.isOpen) shown -= Math.max(0, Math.min(fold.to, to) - Math.max(fold.from, from) + 1);
    }
    return shown;
  }

  /** The row of an item, or of the fold in which it is. */
  rowOf(item: number, first: number): number {
    const fold = this.#foldAt(item);
    const at = fold !== undefined && !fold.isOpen ? fold.from : item;
    return (
      this.#start(at, first) + Number(this.isDay(at)) + Number(fold !== undefined && fold.isOpen && fold.from === at)
    );
  }

  /** What stands in a row. */
  rowAt(row: number, first: number, last: number): Row {
    const behind = firstIndex(last - first, (index) => this.#start(this.#headOf(first + 1 + index), first) > row);
    const at = this.#headOf(first + behind);
    const within = row - this.#start(at, first) - Number(this.isDay(at));
    if (within < 0) return { kind: "day", at };
    const fold = this.#foldAt(at);
    if (fold?.from === at && within === 0) return { kind: "fold", at, to: fold.to, isOpen: fold.isOpen };
    return { kind: "line", at };
  }

  isDay(item: number): boolean {
    return this.#days[firstFrom(this.#days, item)] === item;
  }

  /** True for an item of a fold, open or not. */
  isFolding(item: number): boolean {
    return this.#foldAt(item) !== undefined;
  }

  /** A day begins with this item. */
  addDay(item: number): void {
    if (this.isDay(item)) return;
    this.#days.splice(firstFrom(this.#days, item), 0, item);
    const index = this.#indexOf(item);
    const fold = this.#folds[index];
    // No fold spans two days.
    if (fold === undefined || item <= fold.from || item > fold.to) return;
    this.#folds.splice(index + 1, 0, { ...fold, from: item });
    fold.to = item - 1;
    this.#touch(index);
  }

  /** An item belongs to a fold, with those beside it that do. */
  fold(item: number): void {
    if (this.#foldAt(item) !== undefined || this.#folds.length >= foldsKept) return;
    const index = this.#indexOf(item);
    this.#folds.splice(index + 1, 0, { from: item, to: item, isOpen: false });
    this.#join(index + 1);
    this.#join(index);
    this.#touch(Math.max(0, index));
  }

  /** Unfolds the fold of an item, or folds it again. */
  toggle(item: number): void {
    const index = this.#indexOf(item);
    const fold = this.#folds[index];
    if (fold === undefined || item > fold.to) return;
    fold.isOpen = !fold.isOpen;
    this.#touch(index);
  }

  /** An item is gone, and those behind it have moved up. @param last the last one that is left */
  delete(item: number, last: number): void {
    const moved = this.#days.map((day) => (day > item ? day - 1 : day));
    this.#days = moved.filter((day, index) => day > 1 && day <= last && day !== moved[index - 1]);
    const before = this.#indexOf(item);
    for (const fold of this.#folds.slice(Math.max(0, before))) {
      if (fold.from > item) fold.from -= 1;
      if (fold.to >= item) fold.to -= 1;
    }
    if (before >= 0 && (this.#folds[before] as Fold).to < (this.#folds[before] as Fold).from)
      this.#folds.splice(before, 1);
    this.#join(before);
    this.#join(before - 1);
    this.#touch(Math.max(0, before - 1));
  }

  clear(): void {
    this.#days = [];
    this.#folds = [];
    this.#touch(0);
  }

  /** The first row of an item: that of its day or fold, where it has one. */
  #start(item: number, first: number): number {
    const index = this.#indexOf(item);
    const fold = this.#folds[index];
    const isInside = fold !== undefined && item <= fold.to;
    const days = firstFrom(this.#days, item);
    // An open fold has a row of its own before its first item.
    const own = isInside && item > fold.from ? 1 : 0;
    return item - first + days + this.#addedBefore(isInside ? index : index + 1) + own;
  }

  #headOf(item: number): number {
    const fold = this.#foldAt(item);
    return fold === undefined || fold.isOpen ? item : fold.from;
  }

  #foldAt(item: number): Fold | undefined {
    const fold = this.#folds[this.#indexOf(item)];
    return fold !== undefined && item <= fold.to ? fold : undefined;
  }

  /** Index of the last fold that begins at an item or before it, or -1. */
  #indexOf(item: number): number {
    return firstIndex(this.#folds.length, (index) => (this.#folds[index] as Fold).from > item) - 1;
  }

  #addedBefore(index: number): number {
    for (; this.#summed < index; this.#summed++) {
      const { from, to, isOpen } = this.#folds[this.#summed] as Fold;
      this.#added[this.#summed + 1] = (this.#added[this.#summed] as number) + (isOpen ? 1 : from - to);
    }
    return this.#added[index] as number;
  }

  /** A fold has changed: what is summed behind it is no longer right. */
  #touch(index: number): void {
    this.#summed = Math.min(this.#summed, index);
  }

  /** Joins a fold with the next one when nothing stands between them. */
  #join(index: number): void {
    const [fold, next] = [this.#folds[index], this.#folds[index + 1]];
    if (fold === undefined || next === undefined || fold.to + 1 !== next.from || this.isDay(next.from)) return;
    fold.to = next.to;
    this.#folds.splice(index + 1, 1);
  }
}

/** Index of the first of some sorted numbers that is at least `wanted`. */
function firstFrom(sorted: readonly number[], wanted: number): number {
  return firstIndex(sorted.length, (index) => (sorted[index] as number) >= wanted);
}
