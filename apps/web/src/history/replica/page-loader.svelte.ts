/**
 * Reads the lines that are in view and not held, a page at a time.
 *
 * A read leaves a line in the history, so it waits until the scrolling has settled for a moment, and two never run at
 * once. The loader knows nothing of the screen: the list says which lines are in view.
 */

import type { Streams } from "../../streams/streams.svelte.ts";
import { historyAheadLines, historyPageLines, scrollSettleMs } from "../../limits.ts";
import type { History } from "./history.svelte.ts";
import type { LineRange } from "./history-replica.ts";
import { readInto } from "./range-read.ts";

export class PageLoader {
  isReading = $state(false);
  /** Why the lines in view cannot be shown, in a sentence. */
  error = $state("");
  readonly #streams: Streams;
  readonly #history: History;
  readonly #canRead: () => boolean;
  #from = 0;
  #to = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param canRead false while there is no follow, without which no position is certain */
  constructor(streams: Streams, history: History, canRead: () => boolean) {
    this.#streams = streams;
    this.#history = history;
    this.#canRead = canRead;
  }

  /** These lines are in view. */
  want(from: number, to: number): void {
    const isElsewhere = from > this.#to || to < this.#from;
    this.#from = from;
    this.#to = to;
    this.#history.current.touch(from, to);
    if (this.isReading) return;
    if (this.#missing() === undefined) {
      this.error = "";
      return;
    }
    if (isElsewhere) clearTimeout(this.#timer);
    if (isElsewhere || this.#timer === undefined) this.#timer = setTimeout(() => void this.#run(), scrollSettleMs);
  }

  retry(): void {
    void this.#run();
  }

  /** What is in view first, then what is near. */
  #missing(): LineRange | undefined {
    const { current } = this.#history;
    const [from, to] = [this.#from, this.#to];
    return current.missing(from, to) ?? current.missing(from - historyAheadLines, to + historyAheadLines);
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    if (this.isReading) return;
    this.isReading = true;
    this.error = "";
    for (let gap = this.#missing(); gap !== undefined && this.#canRead(); gap = this.#missing()) {
      const { current, user } = this.#history;
      const range = current.gapAround(gap.from, historyPageLines);
      const order = { user, ...range, purpose: "to show the lines in view" };
      const isRead = await readInto(this.#streams, current, order);
      this.#history.mark();
      // A failed read of lines that are gone by now is no failure.
      if (isRead || current.missing(range.from, range.to) === undefined) continue;
      this.error = "These lines could not be read.";
      break;
    }
    this.isReading = false;
  }
}
