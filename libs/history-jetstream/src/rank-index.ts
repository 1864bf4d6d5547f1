/**
 * Ranks of sequences: which message of the stream is line N.
 *
 * Sequences only grow, and most of them are lines, so the index keeps what is *not* a line: a sorted list of the sequences
 * that are gone. A line costs nothing and a deleted one 8 bytes.
 */

export class RankIndex {
  #first: number;
  end: number;
  /** Ascending, from `#first` on. */
  #gone: number[];

  /** @param gone sequences from `first` to `end` that are no lines, ascending */
  constructor(first = 1, end = first, gone: readonly number[] = []) {
    this.#first = first;
    this.end = end;
    this.#gone = [...gone];
  }

  get lines(): number {
    return this.end - this.#first - this.#gone.length;
  }

  /** Adds a line behind all others; sequences that are skipped are no lines. */
  append(sequence: number): void {
    if (sequence < this.end) throw new RangeError(`sequence ${sequence} comes after ${this.end - 1}`);
    for (; this.end < sequence; this.end++) this.#gone.push(this.end);
    this.end += 1;
  }

  remove(sequence: number): boolean {
    if (!this.has(sequence)) return false;
    this.#gone.splice(this.#goneBefore(sequence), 0, sequence);
    return true;
  }

  removeBefore(sequence: number): void {
    if (sequence <= this.#first) return;
    this.#gone = this.#gone.slice(this.#goneBefore(sequence));
    this.#first = sequence;
    this.end = Math.max(this.end, sequence);
  }

  has(sequence: number): boolean {
    return sequence >= this.#first && sequence < this.end && this.#gone[this.#goneBefore(sequence)] !== sequence;
  }

  /** The sequence of a line, by its rank from 1; `undefined` when there are fewer. */
  sequenceOf(rank: number): number | undefined {
    if (rank < 1 || rank > this.lines) return undefined;
    // The lines before the gone sequence at `index` are its distance from the first less the `index` that are gone.
    return this.#first + rank - 1 + this.#countGone((gone, index) => gone - this.#first - index < rank);
  }

  #goneBefore(sequence: number): number {
    return this.#countGone((gone) => gone < sequence);
  }

  /** How many at the beginning of the list are so; none behind the first that is not may be so. */
  #countGone(isSo: (gone: number, index: number) => boolean): number {
    let low = 0;
    let high = this.#gone.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isSo(this.#gone[middle] as number, middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
