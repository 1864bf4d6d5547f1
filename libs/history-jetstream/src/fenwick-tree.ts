/**
 * A number for each block of a row, and the sum of those before any block, both in time that grows with the logarithm of
 * the row: a Fenwick tree. Node N of it, from 1, holds the sum of the last `lowBit(N)` blocks up to the Nth.
 */

/** Numbers of blocks, counted from 0. */
export class FenwickTree {
  readonly #counts: number[] = [];
  readonly #tree: number[] = [0];

  get length(): number {
    return this.#counts.length;
  }

  /** Adds a block behind the others, whose number is 0. */
  push(): void {
    const node = this.#tree.length;
    this.#counts.push(0);
    this.#tree.push(this.before(node - 1) - this.before(node - lowBit(node)));
  }

  /** The number of a block; 0 for one that is not there. */
  of(block: number): number {
    return this.#counts[block] ?? 0;
  }

  /** The sum of the numbers of the first `blocks`. */
  before(blocks: number): number {
    let sum = 0;
    for (let node = blocks; node > 0; node -= lowBit(node)) sum += this.#tree[node] as number;
    return sum;
  }

  /** Adds to the number of a block that is there. */
  add(block: number, more: number): void {
    (this.#counts[block] as number) += more;
    for (let node = block + 1; node < this.#tree.length; node += lowBit(node)) (this.#tree[node] as number) += more;
  }

  /**
   * The last block for which `isBefore` holds of its place and of the sum before it; 0 when it holds for none. It must
   * hold for all blocks before one for which it holds.
   */
  lastWhere(isBefore: (block: number, sum: number) => boolean): number {
    let block = 0;
    let sum = 0;
    for (let step = 2 ** Math.floor(Math.log2(Math.max(1, this.length))); step >= 1; step /= 2) {
      const next = block + step;
      if (next >= this.length || !isBefore(next, sum + (this.#tree[next] as number))) continue;
      block = next;
      sum += this.#tree[next] as number;
    }
    return block;
  }
}

function lowBit(node: number): number {
  return node & -node;
}
