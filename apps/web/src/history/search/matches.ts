/** Lines that fit a filter, with their positions, in order, kept right as lines are deleted. */

import { matchesKept } from "../../limits.ts";
import type { Deletion } from "../replica/deletion.ts";

export interface Match {
  position: number;
  readonly line: string;
}

export class Matches {
  /** Older matches that had to make room. */
  dropped = 0;
  #items: Match[] = [];
  readonly #max: number;

  constructor(max: number = matchesKept) {
    this.#max = max;
  }

  get count(): number {
    return this.#items.length;
  }

  get isFull(): boolean {
    return this.#items.length >= this.#max;
  }

  at(index: number): Match | undefined {
    return this.#items[index];
  }

  /** Index of the first match at a position or behind it. */
  indexFrom(position: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#items[middle] as Match).position >= position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** A newer match. Making room costs a copy of the rest, so it is done for a tenth of the bound at a time. */
  append(match: Match): void {
    this.#items.push(match);
    if (this.#items.length <= this.#max) return;
    const surplus = this.#items.length - this.#max + Math.floor(this.#max / 10);
    this.#items.splice(0, surplus);
    this.dropped += surplus;
  }

  /** Older matches; of more than there is room for, the newest stay. */
  prepend(older: readonly Match[]): void {
    const room = Math.max(0, this.#max - this.#items.length);
    const kept = older.length > room ? older.slice(older.length - room) : older;
    this.dropped += older.length - kept.length;
    this.#items = [...kept, ...this.#items];
  }

  /** A line was deleted, or all were. */
  delete({ position }: Deletion): void {
    if (position === undefined) {
      this.#items = [];
      this.dropped = 0;
      return;
    }
    const index = this.indexFrom(position);
    if (this.#items[index]?.position === position) this.#items.splice(index, 1);
    for (let at = index; at < this.#items.length; at++) (this.#items[at] as Match).position -= 1;
  }
}
