/**
 * The filter box: what is typed, what it means, its place in the page's address, `#filter=…`, and the scan that
 * follows from it.
 *
 * A filter works from the first key on. One that is not understood changes nothing until it is, and says why.
 */

import type { Streams } from "../../streams/streams.svelte.ts";
import { filterSettleMs } from "../../limits.ts";
import type { Zone } from "../../ui/format.ts";
import type { History } from "../replica/history.svelte.ts";
import type { HistoryView } from "../view/history-view.svelte.ts";
import { anyLine, decodeFilterLink, encodeFilterLink, isAny, parseFilter } from "./filter.ts";
import type { Filter } from "./filter.ts";
import { HistoryScan } from "./history-scan.svelte.ts";

/** Writes the state of the box into the page's address. */
function writeAddress(fragment: string): void {
  history.replaceState(null, "", fragment === "" ? location.pathname + location.search : fragment);
}

export class Search {
  readonly #streams: Streams;
  readonly #history: History;
  readonly #view: HistoryView;
  readonly #preferences: { readonly zone: Zone };
  readonly #writeAddress: typeof writeAddress;
  #text = $state("");
  readonly #typed = $derived.by(() => parseFilter(this.#text, this.#preferences.zone));
  #filter: Filter = anyLine;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What the address holds. */
  #written = "";

  /** @param view shows the lines that match */
  constructor(
    streams: Streams,
    history: History,
    view: HistoryView,
    preferences: { readonly zone: Zone },
    write = writeAddress,
  ) {
    this.#streams = streams;
    this.#history = history;
    this.#view = view;
    this.#preferences = preferences;
    this.#writeAddress = write;
    history.onShown(() => this.restart());
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

  get typed() {
    return this.#typed;
  }

  /** Filters by the text: also when the zone has changed, in which its times are meant. */
  apply(): void {
    const typed = this.#typed;
    if (typed.kind === "problem") return;
    const filter = typed.kind === "filter" ? typed.filter : anyLine;
    if (JSON.stringify(filter) === JSON.stringify(this.#filter)) return;
    this.#filter = filter;
    this.restart();
  }

  /** Takes the filter of an address; false when it holds none. */
  take(fragment: string): boolean {
    const text = decodeFilterLink(fragment);
    if (text === undefined) return false;
    clearTimeout(this.#timer);
    this.#written = fragment;
    this.#text = text;
    this.apply();
    return true;
  }

  /** Searches anew: in another replica, or because other lines are hidden. */
  restart(): void {
    this.#view.scan?.dispose();
    const isHidden = (line: string) => !this.#view.showsBackground && this.#history.background.has(line);
    this.#view.scan = isAny(this.#filter)
      ? undefined
      : new HistoryScan(this.#streams, this.#history, this.#filter, isHidden);
  }

  #write(): void {
    const { kind } = this.#typed;
    const fragment = kind === "filter" ? encodeFilterLink(this.#text, this.#preferences.zone) : this.#written;
    if (fragment === this.#written) return;
    this.#writeAddress(fragment);
    this.#written = fragment;
  }
}
