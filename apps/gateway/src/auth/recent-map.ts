/** A map with a bound: whatever was set longest ago goes first. */
export class RecentMap<Value> {
  readonly #max: number;
  readonly #values = new Map<string, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** Sets a value, and returns the one that had to go for it. */
  set(key: string, value: Value): Value | undefined {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#max) return undefined;
    const [[oldest, dropped] = []] = this.#values;
    if (oldest !== undefined) this.#values.delete(oldest);
    return dropped;
  }

  delete(key: string): void {
    this.#values.delete(key);
  }
}
