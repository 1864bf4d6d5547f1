/**
 * What somebody sees of the history: all lines or those that fit a filter, where the view stands, the line with the
 * cursor, the one shown in full and the one whose deletion is asked for. All of these are bookmarks, so that they stay
 * with their lines when lines above are deleted.
 */

import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import type { Bookmark } from "../replica/history-replica.ts";
import type { History } from "../replica/history.svelte.ts";
import { anyLine, isAny, problemOf } from "../search/line-filter.ts";
import type { LineFilter } from "../search/line-filter.ts";
import { HistoryScan } from "../search/history-scan.svelte.ts";

/** A line where somebody saw it. */
export interface SeenLine {
  readonly position: number;
  readonly line: string;
}

/** A line that somebody points at. */
interface Held {
  readonly at: Bookmark;
  readonly line: string;
}

type Role = "cursor" | "detailed" | "confirming";

export class HistoryView {
  /** Counts the times that a line was asked to be brought into view: the one with the cursor. */
  revealed = $state(0);
  readonly #history: History;
  readonly #exchanges: Exchanges;
  #held = $state.raw<Readonly<Partial<Record<Role, Held>>>>({});
  /** Moves with every scrolling; nothing is drawn because of it. */
  #top: Bookmark | undefined;
  #seen: Bookmark | undefined;
  #filter = $state.raw<LineFilter>(anyLine);
  #choosing = $state.raw<HistoryScan>();
  #counting = $state.raw<HistoryScan>();

  constructor(history: History, exchanges: Exchanges) {
    this.#history = history;
    this.#exchanges = exchanges;
    history.onShown((copy) => {
      for (const held of Object.values(this.#held)) copy.keepMark(held.at);
      for (const mark of [this.#top, this.#seen]) if (mark !== undefined) copy.keepMark(mark);
      this.#choose();
      if (this.isPlotted) this.isPlotted = true;
    });
  }

  get filter(): LineFilter {
    return this.#filter;
  }

  set filter(filter: LineFilter) {
    const isOtherCount = encodeCounted(filter) !== encodeCounted(this.#filter);
    this.#filter = filter;
    this.#choose();
    if (isOtherCount && this.isPlotted) this.isPlotted = true;
  }

  /** Why the filter cannot be applied, in words. */
  get problem(): string | undefined {
    return problemOf(this.#filter);
  }

  /** Whether lines are counted for a plot. */
  get isPlotted(): boolean {
    return this.#counting !== undefined;
  }

  set isPlotted(now: boolean) {
    this.#counting?.dispose(this.#exchanges);
    this.#counting = now ? this.#count() : undefined;
  }

  /** What was found, when lines are chosen. */
  get survey(): HistoryScan | undefined {
    return this.#choosing;
  }

  /** What was counted, when there is a plot. */
  get counting(): HistoryScan | undefined {
    return this.#counting;
  }

  /** Chooses the lines of a stretch of time, and looks as far back as that takes. */
  chooseTimes(since: string, until: string, user: string): void {
    this.filter = { ...this.#filter, since, until };
    void this.#choosing?.lookBack(this.#exchanges, user);
  }

  /** True when not all lines are to be seen. */
  get isChosen(): boolean {
    return this.#choosing !== undefined;
  }

  /** Rows that there are to see. */
  get rows(): number {
    const { last, floor } = this.#history.copy;
    return this.#choosing?.matches.count ?? last - floor + 1;
  }

  /** The position of the line in a row. */
  positionAt(row: number): number {
    return this.#choosing === undefined
      ? this.#history.copy.floor + row
      : (this.#choosing.matches.at(row)?.position ?? this.#history.copy.last);
  }

  /** The line in a row, if it is held. */
  lineAt(row: number): string | undefined {
    const choosing = this.#choosing;
    return choosing === undefined ? this.#history.copy.at(this.positionAt(row)) : choosing.matches.at(row)?.line;
  }

  /** The row of a position, or of the next line that is to be seen. */
  rowOf(position: number): number {
    const row = this.#choosing?.matches.indexFrom(position) ?? position - this.#history.copy.floor;
    return Math.max(0, Math.min(this.rows - 1, row));
  }

  /** The row of a line that was seen a moment ago; `undefined` when another line stands there by now. */
  rowSeen({ position, line }: SeenLine): number | undefined {
    const row = this.rowOf(position);
    return this.positionAt(row) === position && this.lineAt(row) === line ? row : undefined;
  }

  /** The row that somebody points at; `undefined` when nobody does, or its line is gone. */
  rowHeld(role: Role): number | undefined {
    const at = this.bookmark(role);
    if (at === undefined || at.isGone) return undefined;
    const row = this.rowOf(at.position);
    return this.positionAt(row) === at.position ? row : undefined;
  }

  /** The line that was pointed at. */
  lineHeld(role: Role): string | undefined {
    return this.#held[role]?.line;
  }

  /** Where that line stands now. */
  bookmark(role: Role): Bookmark | undefined {
    // What moves a bookmark beats the pulse of the copy.
    return this.#history.copy && this.#held[role]?.at;
  }

  /** Points at a row, or at none. */
  hold(role: Role, row: number | undefined): void {
    const former = this.#held[role];
    if (former !== undefined) this.#history.current.unmark(former.at);
    const { [role]: _, ...rest } = this.#held;
    if (row === undefined || this.rows === 0) this.#held = rest;
    else {
      const at = this.#history.current.mark(this.positionAt(row));
      this.#held = { ...rest, [role]: { at, line: this.lineAt(row) ?? "" } };
    }
  }

  /** Brings a line into view, whatever is filtered. */
  reveal(position: number): void {
    if (!isAny(this.#filter)) this.filter = anyLine;
    this.hold("cursor", this.rowOf(position));
    this.revealed += 1;
  }

  /** The topmost row that is seen, wherever it has moved. */
  get topRow(): number | undefined {
    return this.#top && this.rowOf(this.#top.position);
  }

  /** Rows behind the last one that was seen. */
  get unseen(): number {
    const seen = this.#seen?.position ?? this.#history.copy.last;
    return this.#choosing === undefined
      ? this.#history.copy.last - seen
      : this.rows - this.#choosing.matches.indexFrom(seen + 1);
  }

  /** The newest row is seen. */
  noteSeen(): void {
    const { current } = this.#history;
    if (this.#seen !== undefined) current.unmark(this.#seen);
    this.#seen = current.mark(current.last);
  }

  /** Notes which row is the topmost. */
  noteTop(row: number): void {
    if (this.#top !== undefined) this.#history.current.unmark(this.#top);
    this.#top = this.#history.current.mark(this.positionAt(row));
  }

  #choose(): void {
    this.#choosing?.dispose(this.#exchanges);
    const isWanted = !isAny(this.#filter) && this.problem === undefined;
    this.#choosing = isWanted ? new HistoryScan(this.#history.current, this.#filter) : undefined;
  }

  /** A plot shows what lies around the times that are chosen, too. */
  #count(): HistoryScan {
    return new HistoryScan(this.#history.current, { ...this.#filter, since: "", until: "" }, false);
  }
}

/** What of a filter decides what is counted. */
function encodeCounted({ text, user, operation }: LineFilter): string {
  return JSON.stringify([text, user, operation]);
}
