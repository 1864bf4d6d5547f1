/**
 * The filter box: what is typed, what it means, its place in the page's address, `#filter=…`, and the scan that
 * follows from it.
 *
 * A filter works from the first key on. One that is not understood changes nothing until it is, and says why.
 */

import { filterSettleMs } from "../../limits.ts";
import type { Zone } from "../../ui/format.ts";
import type { LiveHistory } from "../live-history.svelte.ts";
import { isBackground } from "../view/line-text.ts";
import { anyLine, createMatcher, decodeFilterLink, encodeFilterLink, isAny, parseFilter } from "./filter.ts";
import { HistoryScan } from "./history-scan.svelte.ts";

export class Search {
  readonly #history: Pick<LiveHistory, "cache" | "reader" | "view">;
  readonly #preferences: { readonly zone: Zone };
  #text = $state("");
  readonly typed = $derived.by(() => parseFilter(this.#text, this.#preferences.zone));
  #filter = anyLine;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The fragment that the address has. */
  #written = "";

  /** @param history its view shows the lines that match */
  constructor(history: Pick<LiveHistory, "cache" | "reader" | "view">, preferences: { readonly zone: Zone }) {
    this.#history = history;
    this.#preferences = preferences;
    history.cache.listen((_, deleted) => deleted === "all" && this.restart());
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text;
    this.apply();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(), filterSettleMs);
  }

  /** Filters by the text: also when the zone has changed, in which its times are meant. */
  apply(): void {
    const { typed } = this;
    if (typed.kind === "problem") return;
    const filter = typed.kind === "filter" ? typed.filter : anyLine;
    if (JSON.stringify(filter) === JSON.stringify(this.#filter)) return;
    this.#filter = filter;
    this.restart();
  }

  /** Shows or folds the requests that pages make by themselves; those that match are left out of a search as well. */
  showBackground(isShown: boolean): void {
    this.#history.view.showsBackground = isShown;
    this.restart();
  }

  /** Takes the filter of an address; false when it holds none. */
  take(fragment: string): boolean {
    const text = decodeFilterLink(fragment);
    if (text === undefined) return false;
    this.text = text;
    this.#written = fragment;
    return true;
  }

  /** Searches anew: in other lines, or because other lines are hidden. */
  restart(): void {
    const { cache, reader, view } = this.#history;
    view.scan?.dispose();
    view.scan = undefined;
    if (isAny(this.#filter)) return;
    const isMatch = createMatcher(this.#filter);
    const isWanted = (line: string) => isMatch(line) && (view.showsBackground || !isBackground(line));
    view.scan = new HistoryScan(reader, cache, isWanted, this.#filter.since);
  }

  /** A jump is no state of the page, and what is not understood is none yet. */
  #write(): void {
    if (this.typed.kind !== "filter") return;
    const fragment = encodeFilterLink(this.#text, this.#preferences.zone);
    if (fragment === this.#written) return;
    this.#written = fragment;
    history.replaceState(null, "", fragment === "" ? location.pathname + location.search : fragment);
  }
}
