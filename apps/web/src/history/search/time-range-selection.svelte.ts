/** The current column of a plot, and the range of columns from where a selection began up to it; by rank, from 0. */
export class TimeRangeSelection {
  /** Where the selecting began; `undefined` while nothing is selected. */
  #anchor = $state<number>();
  #cursor = $state<number>();
  readonly #count: () => number;

  /** @param count how many columns there are; that changes as lines come */
  constructor(count: () => number) {
    this.#count = count;
  }

  /** The current column; `undefined` before there is one. */
  get at(): number | undefined {
    return this.#cursor === undefined ? undefined : this.#within(this.#cursor);
  }

  /** Both ends of the selected range. */
  get chosen(): { readonly from: number; readonly to: number } | undefined {
    const { at } = this;
    if (at === undefined || this.#anchor === undefined) return undefined;
    return { from: Math.min(at, this.#anchor), to: Math.max(at, this.#anchor) };
  }

  /** Begins a selection at a column. */
  begin(column: number): void {
    this.#anchor = this.#cursor = this.#within(column);
  }

  /** Goes on to another column. */
  extend(column: number): void {
    this.#cursor = this.#within(column);
  }

  /** Selects the current column, when nothing is selected yet. */
  choose(): void {
    this.#anchor ??= this.at;
  }

  /** Selects nothing; the current column stays. */
  clear(): void {
    this.#anchor = undefined;
  }

  /** Moves as a key says, and selects on the way with Shift. False for a key that moves nothing. */
  move(key: string, isSelecting: boolean): boolean {
    const last = this.#count() - 1;
    const current = this.at ?? last;
    const stride = Math.max(1, Math.round(this.#count() / 10));
    const targets: Readonly<Record<string, number>> = {
      ArrowLeft: current - 1,
      ArrowDown: current - 1,
      ArrowRight: current + 1,
      ArrowUp: current + 1,
      PageDown: current - stride,
      PageUp: current + stride,
      Home: 0,
      End: last,
    };
    const target = targets[key];
    if (target === undefined) return false;
    this.#anchor = isSelecting ? (this.#anchor ?? current) : undefined;
    // The first key shows the current column.
    this.#cursor = this.#within(this.at === undefined ? current : target);
    return true;
  }

  #within(column: number): number {
    return Math.max(0, Math.min(column, this.#count() - 1));
  }
}
