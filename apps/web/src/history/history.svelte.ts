import { Pulse } from "../pulse.svelte.ts";
import { HistoryCopy } from "./history-copy.ts";
import { HistoryFilter } from "./history-filter.ts";

/** The lines that the page shows: a copy of the history that is replaced as a whole when a better one is there. */
export class History {
  /** What the lines shown must contain. */
  filter = $state("");
  readonly #pulse = new Pulse();
  readonly #filter = new HistoryFilter();
  #copy = new HistoryCopy(1);

  /** The copy; whoever draws it draws it again when it changes. */
  get copy(): HistoryCopy {
    this.#pulse.listen();
    return this.#copy;
  }

  /** Positions of the lines that pass the filter; `undefined` for all. */
  get matches(): readonly number[] | undefined {
    return this.#filter.find(this.copy, this.filter);
  }

  /** Shows another copy from now on. */
  show(copy: HistoryCopy): void {
    this.#copy = copy;
    this.#pulse.mark();
  }

  /** The copy changed. */
  mark(): void {
    this.#pulse.mark();
  }
}
