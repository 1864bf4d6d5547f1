/**
 * What the history panel shows. Places are numbers of lines, which are moved when a line above is deleted. A filter works from
 * the first key on, and stands in the page's address. One that is not understood changes nothing until it is, and says why.
 */

import { filterSettleMs } from "../../limits.ts";
import type { Zone } from "../../ui/format.ts";
import type { LineCache } from "../replica/line-cache.svelte.ts";
import type { LineReader } from "../replica/line-reader.svelte.ts";
import { anyLine, createMatcher, decodeFilterLink, encodeFilterLink, isAny, parseFilter } from "../search/filter.ts";
import { HistoryScan } from "../search/history-scan.svelte.ts";
import { isBackground, timeOf } from "./line-text.ts";
import { Rows } from "./rows.ts";

export type ShownRow = Readonly<ReturnType<HistoryView["rowAt"]>>;

export class HistoryView {
  #text = $state("");
  readonly typed = $derived.by(() => parseFilter(this.#text, this.#preferences.zone));
  scan = $state.raw<HistoryScan>();
  #showsBackground = $state(false);
  /** The line with the cursor; 0 for none. */
  cursor = $state(0);
  /** True until the list has brought it into view. */
  isRevealing = $state(false);
  detailed = $state.raw<{ readonly position: number; readonly line: string }>();
  isEndSeen = $state(true);
  unseen = $state(0);
  /** The time of the topmost line in view, as far as one was held there; `""` before any was. */
  topTime = $state("");
  /** The topmost line in view, and the rows from its own to the upper edge. Nothing is drawn because of it. */
  #top: { readonly position: number; readonly rows: number } | undefined;
  #filter = anyLine;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #written = "";
  readonly #cache: LineCache;
  readonly #reader: LineReader;
  readonly #preferences: { readonly zone: Zone };
  readonly #made = new Rows();

  constructor(cache: LineCache, reader: LineReader, preferences: { readonly zone: Zone }) {
    this.#cache = cache;
    this.#reader = reader;
    this.#preferences = preferences;
    cache.listen((line, deleted) => {
      if (line !== "" && !this.isEndSeen && this.#isShown(line)) this.unseen += 1;
      if (deleted === undefined) return;
      const move = (at: number) => (deleted === "all" ? Math.min(at, cache.last) : at > deleted ? at - 1 : at);
      this.cursor = move(this.cursor);
      if (this.#top !== undefined) this.#top = { ...this.#top, position: move(this.#top.position) };
      // When the lines begin again they may have moved unseen: what is said or asked of one is not said of another.
      const { detailed } = this;
      const isGone = deleted === "all" || deleted === detailed?.position;
      this.detailed = isGone ? undefined : detailed && { ...detailed, position: move(detailed.position) };
      if (deleted === "all") this.#search();
    });
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text;
    this.applyFilter();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(), filterSettleMs);
  }

  get showsBackground(): boolean {
    return this.#showsBackground;
  }

  set showsBackground(isShown: boolean) {
    this.#showsBackground = isShown;
    this.#search();
  }

  applyFilter(): void {
    const { typed } = this;
    if (typed.kind === "problem") return;
    const filter = typed.kind === "filter" ? typed.filter : anyLine;
    if (JSON.stringify(filter) === JSON.stringify(this.#filter)) return;
    this.#filter = filter;
    this.#search();
  }

  takeAddress(fragment: string): boolean {
    const text = decodeFilterLink(fragment);
    if (text === undefined) return false;
    this.text = text;
    this.#written = fragment;
    return true;
  }

  get rows(): number {
    return this.#rows.count;
  }

  /** A row, with the line that stands there or, for a day or a fold, the first one that follows. */
  rowAt(row: number) {
    const { kind, at, to } = this.#rows.rowAt(row);
    if (this.scan === undefined) return { kind, position: at, line: this.#cache.at(at), to };
    const { position = 0, line } = this.scan.at(at) ?? {};
    return { kind, position, line, to: position };
  }

  /** The row of a position, or of the next line that is shown. */
  rowOf(position: number): number {
    const { last } = this.scan ?? this.#cache;
    return this.#rows.rowOf(Math.max(1, Math.min(last, this.scan?.rankFrom(position) ?? position)));
  }

  get cursorRow(): number | undefined {
    if (this.cursor === 0 || this.rows === 0) return undefined;
    const row = this.rowOf(this.cursor);
    return this.rowAt(row).position === this.cursor ? row : undefined;
  }

  moveCursor(row: number): void {
    const step = row < (this.cursorRow ?? 0) ? -1 : 1;
    this.cursor = this.rowAt(this.rowAt(row).kind === "day" ? row + step : row).position;
  }

  reveal(position: number): void {
    this.text = "";
    if (this.rowAt(this.rowOf(position)).kind === "fold") this.showsBackground = true;
    this.cursor = position;
    this.isRevealing = true;
  }

  noteEnd(isSeen: boolean): void {
    this.isEndSeen = isSeen;
    if (isSeen) this.unseen = 0;
  }

  /** Notes where the upper edge is: the row that is there, and how far from the first one in heights of a row. */
  noteTop(row: number, rowsAbove: number): void {
    const { position, line = "" } = this.rowAt(row);
    this.#top = { position, rows: rowsAbove - this.rowOf(position) };
    this.topTime = timeOf(line) || this.topTime;
  }

  /** Where that line is by now, in heights of a row; `undefined` before anything was seen. */
  get rowsAbove(): number | undefined {
    return this.#top && this.rowOf(this.#top.position) + this.#top.rows;
  }

  get #rows(): Rows {
    const isFolding = this.scan === undefined && !this.#showsBackground;
    this.#made.update(this.scan ?? this.#cache, this.#preferences.zone, isFolding);
    return this.#made;
  }

  #isShown(line: string): boolean {
    return this.scan?.isWanted(line) ?? (this.#showsBackground || !isBackground(line));
  }

  #search(): void {
    this.scan?.dispose();
    this.scan = undefined;
    if (isAny(this.#filter)) return;
    const isMatch = createMatcher(this.#filter);
    const isWanted = (line: string) => isMatch(line) && (this.#showsBackground || !isBackground(line));
    this.scan = new HistoryScan(this.#reader, this.#cache, isWanted, this.#filter.since);
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
