import type { HistoryCopy } from "./history-copy.ts";

/**
 * Which lines of a copy contain a text, whatever the case.
 *
 * As long as lines are only added at the end, each is looked at once.
 */
export class HistoryFilter {
  #text = "";
  #copy: HistoryCopy | undefined;
  #revision = -1;
  #scanned = 0;
  #matches: number[] = [];

  /** Positions of the lines that match, ascending; `undefined` when the text is empty, for all of them. */
  find(copy: HistoryCopy, text: string): readonly number[] | undefined {
    const wanted = text.trim().toLowerCase();
    if (wanted === "") return undefined;
    if (copy !== this.#copy || copy.revision !== this.#revision || wanted !== this.#text) {
      this.#copy = copy;
      this.#revision = copy.revision;
      this.#text = wanted;
      this.#scanned = 0;
      this.#matches = [];
    }
    for (; this.#scanned < copy.lines.length; this.#scanned++) {
      const line = copy.lines[this.#scanned] as string;
      if (line.toLowerCase().includes(wanted)) this.#matches.push(copy.first + this.#scanned);
    }
    return this.#matches;
  }
}
