/**
 * A scan of the history for the lines that match a filter, each with a rank from 1. It takes the lines that are held and those
 * that come, and reads on backwards until all are seen or enough are found: what it has seen is one range up to the newest
 * line. A read leaves a line in the history, so it waits until the typing has settled.
 */

import { filterSettleMs, matchesKept, scanBlockLines, scanSliceLines } from "../../limits.ts";
import { firstIndex } from "../../ui/first-index.ts";
import type { Deleted, LineCache } from "../replica/line-cache.svelte.ts";
import type { LineReader } from "../replica/line-reader.svelte.ts";
import { timeOf } from "../view/line-text.ts";

export interface Match {
  position: number;
  readonly line: string;
}

export class HistoryScan {
  isReading = $state(true);
  error = $state("");
  /** As that of `LineCache`. */
  changes = 0;
  readonly isWanted: (line: string) => boolean;
  readonly #reader: LineReader;
  readonly #cache: LineCache;
  readonly #since: string;
  #matches: Match[] = [];
  #from: number;
  /** Its time, or that of the first one behind it that has one. */
  #oldest = "";
  readonly #stopListening: () => void;
  #isOver = false;

  /** @param since the time before which no line can be wanted; `""` for none */
  constructor(reader: LineReader, cache: LineCache, isWanted: (line: string) => boolean, since: string) {
    this.#reader = reader;
    this.#cache = cache;
    this.isWanted = isWanted;
    this.#since = since;
    this.#from = cache.last + 1;
    this.#stopListening = cache.listen((line, deleted) => this.#take(line, deleted));
    this.#scanHeld();
    void this.#scanBack();
  }

  get last(): number {
    this.#cache.redraw.listen();
    return this.#matches.length;
  }

  at(rank: number): Match | undefined {
    return this.#matches[rank - 1];
  }

  rankFrom(position: number): number {
    return 1 + firstIndex(this.#matches.length, (index) => (this.#matches[index] as Match).position >= position);
  }

  *heldFrom(from: number): Generator<[rank: number, line: string]> {
    for (let rank = from; rank <= this.#matches.length; rank++) yield [rank, (this.at(rank) as Match).line];
  }

  get scanned(): number {
    return this.#cache.last + 1 - this.#from;
  }

  get isFull(): boolean {
    return this.last >= matchesKept;
  }

  /** True when nothing is left to scan: times increase, so no line before the wanted ones can match. */
  get isWhole(): boolean {
    this.#cache.redraw.listen();
    return this.#from <= 1 || (this.#oldest !== "" && this.#oldest < this.#since);
  }

  dispose(): void {
    this.#isOver = true;
    this.#stopListening();
  }

  async #scanBack(): Promise<void> {
    await pause(filterSettleMs);
    while (!this.#isOver && this.error === "" && !this.isWhole && !this.isFull) {
      // The page can draw and be clicked meanwhile.
      if (this.#scanHeld()) await pause(0);
      else await this.#readBlock();
    }
    this.isReading = false;
  }

  #take(line: string, deleted: Deleted): void {
    // When all lines begin again, so does the search.
    if (deleted === "all") return;
    if (deleted !== undefined) this.#delete(deleted);
    if (!this.isWanted(line)) return;
    this.#matches.push({ position: this.#cache.last, line });
    // Making room costs a copy of the rest, so it is done for a tenth of the limit at a time.
    if (this.#matches.length > matchesKept * 1.1) {
      this.#matches = this.#matches.slice(-matchesKept);
      this.changes += 1;
    }
  }

  #delete(position: number): void {
    this.changes += 1;
    if (position < this.#from) this.#from -= 1;
    const index = this.rankFrom(position) - 1;
    if (this.#matches[index]?.position === position) this.#matches.splice(index, 1);
    for (let at = index; at < this.#matches.length; at++) (this.#matches[at] as Match).position -= 1;
  }

  /** Scans held lines before those that were scanned, as many as one go may take. False when none is held there. */
  #scanHeld(): boolean {
    const found: Match[] = [];
    const before = this.#from;
    for (; before - this.#from < scanSliceLines; this.#from -= 1) {
      const line = this.#cache.at(this.#from - 1);
      if (line === undefined) break;
      if (this.isWanted(line)) found.push({ position: this.#from - 1, line });
      this.#oldest = timeOf(line) || this.#oldest;
    }
    if (found.length > 0) {
      this.#matches = [...found.toReversed(), ...this.#matches].slice(-matchesKept);
      this.changes += 1;
    }
    this.#cache.redraw.mark();
    return this.#from < before;
  }

  async #readBlock(): Promise<void> {
    const to = this.#from - 1;
    await this.#reader.read(Math.max(1, to - scanBlockLines + 1), to, "to search earlier lines");
    if (this.#cache.at(this.#from - 1) === undefined && !this.isWhole) this.error = "Earlier lines could not be read.";
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
