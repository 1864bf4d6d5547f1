/**
 * Reads the lines that somebody looks at and the copy does not hold, a page at a time.
 *
 * A read leaves a line in the history, so it waits until the scrolling has settled for a moment, and never has two
 * under way. It knows nothing of the screen: whoever draws says which lines are seen.
 */

import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import { historyAheadLines, historyPageLines, pageAttemptsMax, scrollSettleMs } from "../../limits.ts";
import type { History } from "./history.svelte.ts";
import { readInto } from "./reading.ts";

export class PageLoader {
  /** What is being read. */
  isReading = $state(false);
  /** Why the lines that are looked at cannot be shown. */
  words = $state("");
  user = "";
  readonly #exchanges: Exchanges;
  readonly #history: History;
  readonly #canRead: () => boolean;
  #from = 0;
  #to = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param canRead false while positions cannot be believed, because nothing is followed */
  constructor(exchanges: Exchanges, history: History, canRead: () => boolean) {
    this.#exchanges = exchanges;
    this.#history = history;
    this.#canRead = canRead;
  }

  /** These lines are seen. */
  want(from: number, to: number): void {
    const isElsewhere = from > this.#to || to < this.#from;
    this.#from = from;
    this.#to = to;
    this.#history.current.touch(from, to);
    if (this.isReading || this.#missing() === undefined) return;
    if (isElsewhere) clearTimeout(this.#timer);
    if (isElsewhere || this.#timer === undefined) this.#timer = setTimeout(() => void this.#run(), scrollSettleMs);
  }

  /** Tries again what failed. */
  retry(): void {
    this.words = "";
    void this.#run();
  }

  /** What is seen first, then what is near. */
  #missing(): { readonly from: number; readonly to: number } | undefined {
    const copy = this.#history.current;
    return (
      copy.missing(this.#from, this.#to) ?? copy.missing(this.#from - historyAheadLines, this.#to + historyAheadLines)
    );
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    if (this.isReading) return;
    this.isReading = true;
    let attempts = 0;
    for (let gap = this.#missing(); gap !== undefined && this.#canRead(); gap = this.#missing()) {
      const copy = this.#history.current;
      const range = copy.gapAround(gap.from, historyPageLines);
      const order = { user: this.user, ...range, purpose: "to show the lines that are looked at" };
      const isRead = await readInto(this.#exchanges, copy, order);
      this.#history.mark();
      attempts = isRead ? 0 : attempts + 1;
      this.words = attempts < pageAttemptsMax ? "" : "These lines could not be read.";
      if (attempts === pageAttemptsMax) break;
    }
    this.isReading = false;
  }
}
