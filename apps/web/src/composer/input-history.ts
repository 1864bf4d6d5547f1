import { recallKept } from "../limits.ts";

/** Steps through what was sent before, and back to what was being typed. */
export class InputHistory<Item> {
  #items: Item[] = [];
  #at = 0;
  #typed: Item | undefined;
  readonly #key: (item: Item) => string;

  /** @param key two items with the same key are one: only the newer is kept */
  constructor(key: (item: Item) => string) {
    this.#key = key;
  }

  /** Notes what was sent. */
  add(item: Item): void {
    const key = this.#key(item);
    this.#items = [...this.#items.filter((each) => this.#key(each) !== key), item].slice(-recallKept);
    this.#at = this.#items.length;
  }

  /** The one before; `typed` is kept so that `forward` can lead back to it. `undefined` when there is none. */
  back(typed: Item): Item | undefined {
    if (this.#at === 0) return undefined;
    if (this.#at === this.#items.length) this.#typed = typed;
    this.#at -= 1;
    return this.#items[this.#at];
  }

  /** The one after, and behind the last what was being typed. `undefined` when there is nothing further. */
  forward(): Item | undefined {
    if (this.#at === this.#items.length) return undefined;
    this.#at += 1;
    return this.#items[this.#at] ?? this.#typed;
  }
}
