/**
 * What the history panel shows: all lines or those that match a filter, where the view stands, the line with the
 * cursor and the line shown in full. These are numbers of lines, which are moved when a line above is deleted.
 */

import type { Zone } from "../../ui/format.ts";
import type { LineCache } from "../replica/line-cache.svelte.ts";
import type { HistoryScan } from "../search/history-scan.svelte.ts";
import { isBackground, timeOf } from "./line-text.ts";
import { Rows } from "./rows.ts";
import type { Row } from "./rows.ts";

/** A row, with the line that stands there or, for a day or a fold, the first one that follows. */
export interface ShownRow {
  readonly kind: Row["kind"];
  readonly position: number;
  /** `undefined` while it is not held. */
  readonly line: string | undefined;
  /** The last position of a fold. */
  readonly to: number;
}

export class HistoryView {
  /** The lines that match, when there is a filter. */
  scan = $state.raw<HistoryScan>();
  /** Whether the requests that pages make by themselves are rows like any other. */
  showsBackground = $state(false);
  /** The line with the cursor; 0 for none. */
  cursor = $state(0);
  /** True until the list has brought it into view. */
  isRevealing = $state(false);
  /** The line that is shown in full, until it is deleted. */
  detailed = $state.raw<{ readonly position: number; readonly line: string }>();
  /** True while the newest row is in view. */
  isEndSeen = $state(true);
  /** Lines that have come since it was. */
  unseen = $state(0);
  /** The time of the topmost line in view, as far as one was held there; `""` before any was. */
  topTime = $state("");
  /** The topmost line in view, and the rows from its own to the upper edge. Nothing is drawn because of it. */
  #top: { readonly position: number; readonly rows: number } | undefined;
  readonly #cache: LineCache;
  readonly #preferences: { readonly zone: Zone };
  readonly #made = new Rows();

  /** @param preferences with the zone in which days begin */
  constructor(cache: LineCache, preferences: { readonly zone: Zone }) {
    this.#cache = cache;
    this.#preferences = preferences;
    cache.listen((line, deleted) => {
      if (line !== "" && !this.isEndSeen && this.isShown(line)) this.unseen += 1;
      if (deleted === undefined) return;
      const move = (at: number) => (deleted === "all" ? Math.min(at, cache.last) : at > deleted ? at - 1 : at);
      this.cursor = move(this.cursor);
      if (this.#top !== undefined) this.#top = { ...this.#top, position: move(this.#top.position) };
      // When the lines begin again they may have moved unseen: what is said or asked of one is not said of another.
      const { detailed } = this;
      const isGone = deleted === "all" || deleted === detailed?.position;
      this.detailed = isGone ? undefined : detailed && { ...detailed, position: move(detailed.position) };
    });
  }

  /** True for a line that has a row of its own. */
  isShown(line: string): boolean {
    return this.scan?.isWanted(line) ?? (this.showsBackground || !isBackground(line));
  }

  /** Rows that there are to see. */
  get rows(): number {
    return this.#rows.count;
  }

  /** What stands in a row. */
  rowAt(row: number): ShownRow {
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

  /** The row with the cursor; `undefined` when there is none. */
  get cursorRow(): number | undefined {
    if (this.cursor === 0 || this.rows === 0) return undefined;
    const row = this.rowOf(this.cursor);
    return this.rowAt(row).position === this.cursor ? row : undefined;
  }

  /** Moves the cursor to a row, past that of a day. */
  moveCursor(row: number): void {
    const step = row < (this.cursorRow ?? 0) ? -1 : 1;
    this.cursor = this.rowAt(this.rowAt(row).kind === "day" ? row + step : row).position;
  }

  /** Brings a line into view; the filter must be off. */
  reveal(position: number): void {
    if (this.rowAt(this.rowOf(position)).kind === "fold") this.showsBackground = true;
    this.cursor = position;
    this.isRevealing = true;
  }

  /** Notes whether the newest row is in view. */
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
    const isFolding = this.scan === undefined && !this.showsBackground;
    this.#made.update(this.scan ?? this.#cache, this.#preferences.zone, isFolding);
    return this.#made;
  }
}
