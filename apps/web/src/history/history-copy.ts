/**
 * A copy of the history's newest lines, kept exact by its own change feed.
 *
 * Lines are known by position, counted from 1. `apply` takes the next line of a follow: it belongs to the end, and if
 * it is an outcome [H-7] it says what else changed. An outcome names the head of the line that it deleted; a copy in
 * which that position has another head is out of step with the server, says so, and must be made anew.
 */

import { decodeEntry, headOf } from "@wirebook/protocol";
import { historyLinesKept } from "../limits.ts";

export class HistoryCopy {
  /** Position of the first line that is held. */
  first: number;
  /** Grows with every change that is not a line added at the end. */
  revision = 0;
  /** Lines added at the front less lines dropped there: what stands on a screen moves by so many rows. */
  rowsBefore = 0;
  #lines: string[] = [];
  readonly #linesMax: number;

  /** An empty copy: the next line that comes has the position `first`. */
  constructor(first: number, linesMax: number = historyLinesKept) {
    this.first = first;
    this.#linesMax = linesMax;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Position of the line that comes next. */
  get next(): number {
    return this.first + this.#lines.length;
  }

  /** The line at a position, if it is held. */
  at(position: number): string | undefined {
    return this.#lines[position - this.first];
  }

  /** Takes the next line of the feed. False when the copy is out of step. */
  apply(line: string): boolean {
    const entry = decodeEntry(line);
    if (entry.kind === "outcome") {
      const { outcome } = entry;
      if (outcome.verb === "deleted-all") this.#clear();
      else if (!this.#deleteLine(outcome.line, outcome.head)) return false;
    }
    this.append(line);
    return true;
  }

  /** Puts a line at the end, whatever it says: for lines that were read, which tell of what is past. */
  append(line: string): void {
    this.#lines.push(line);
    this.#trim();
  }

  /** Puts lines before the first. */
  prepend(lines: readonly string[]): void {
    this.#lines = [...lines, ...this.#lines];
    this.first -= lines.length;
    this.rowsBefore += lines.length;
    this.revision += 1;
  }

  #deleteLine(position: number, head: string): boolean {
    if (position < 1 || position >= this.next) return false;
    this.revision += 1;
    if (position < this.first) {
      this.first -= 1;
      return true;
    }
    if (headOf(this.at(position) as string) !== head) return false;
    this.#lines.splice(position - this.first, 1);
    return true;
  }

  #clear(): void {
    this.#lines = [];
    this.first = 1;
    this.rowsBefore = 0;
    this.revision += 1;
  }

  /** Dropping from the front costs a copy of the rest, so it is done for a tenth of the bound at a time. */
  #trim(): void {
    if (this.#lines.length <= this.#linesMax) return;
    const surplus = this.#lines.length - this.#linesMax + Math.floor(this.#linesMax / 10);
    this.#lines.splice(0, surplus);
    this.first += surplus;
    this.rowsBefore -= surplus;
    this.revision += 1;
  }
}
