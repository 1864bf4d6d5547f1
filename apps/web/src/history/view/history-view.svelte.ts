/**
 * What the history panel shows: all lines or those that match a filter, where the view stands, the line with the
 * cursor, the one shown in full and the one whose deletion is to be confirmed. All of these are bookmarks, so that they
 * stay with their lines when lines above are deleted.
 */

import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import type { Bookmark } from "../replica/history-replica.ts";
import type { History } from "../replica/history.svelte.ts";
import { HistoryScan } from "../search/history-scan.svelte.ts";
import { anyLine, isAny, problemOf } from "../search/line-filter.ts";
import type { LineFilter } from "../search/line-filter.ts";

/** A line where it was shown. */
export interface SeenLine {
  readonly position: number;
  readonly line: string;
}

interface MarkedLine {
  readonly at: Bookmark;
  readonly line: string;
}

type Role = "cursor" | "detailed" | "confirming";

export class HistoryView {
  /** Counts the requests to bring the line with the cursor into view. */
  revealed = $state(0);
  readonly #history: History;
  readonly #exchanges: Exchanges;
  #marked = $state.raw<Readonly<Partial<Record<Role, MarkedLine>>>>({});
  /** Moves with every scrolling; nothing is drawn because of it. */
  #top: Bookmark | undefined;
  #seen: Bookmark | undefined;
  #filter = $state.raw<LineFilter>(anyLine);
  #scan = $state.raw<HistoryScan>();
  #plotScan = $state.raw<HistoryScan>();

  constructor(history: History, exchanges: Exchanges) {
    this.#history = history;
    this.#exchanges = exchanges;
    history.onShown((replica) => {
      for (const { at } of Object.values(this.#marked)) replica.keepMark(at);
      for (const mark of [this.#top, this.#seen]) if (mark !== undefined) replica.keepMark(mark);
      this.#startScan();
      this.#startPlotScan(this.isPlotted);
    });
  }

  get filter(): LineFilter {
    return this.#filter;
  }

  set filter(filter: LineFilter) {
    const isOtherCount = encodeCounted(filter) !== encodeCounted(this.#filter);
    this.#filter = filter;
    this.#startScan();
    if (isOtherCount) this.#startPlotScan(this.isPlotted);
  }

  /** Why the filter cannot be applied, in a sentence. */
  get problem(): string | undefined {
    return problemOf(this.#filter);
  }

  /** Whether lines are counted for a plot. */
  get isPlotted(): boolean {
    return this.#plotScan !== undefined;
  }

  set isPlotted(now: boolean) {
    this.#startPlotScan(now);
  }

  /** The lines that match, when there is a filter. */
  get scan(): HistoryScan | undefined {
    return this.#scan;
  }

  /** The counts, when there is a plot. */
  get plotScan(): HistoryScan | undefined {
    return this.#plotScan;
  }

  /** Shows the lines of a range of time, and scans as far back as that takes. */
  filterTimes(since: string, until: string): void {
    this.filter = { ...this.#filter, since, until };
    void this.#scan?.scanBack();
  }

  /** Rows that there are to see. */
  get rows(): number {
    const { last, floor } = this.#history.replica;
    return this.#scan?.matches.count ?? last - floor + 1;
  }

  /** The position of the line in a row. */
  positionAt(row: number): number {
    const { floor, last } = this.#history.replica;
    return this.#scan === undefined ? floor + row : (this.#scan.matches.at(row)?.position ?? last);
  }

  /** The line in a row, if it is held. */
  lineAt(row: number): string | undefined {
    const scan = this.#scan;
    return scan === undefined ? this.#history.replica.at(this.positionAt(row)) : scan.matches.at(row)?.line;
  }

  /** The row of a position, or of the next line that is shown. */
  rowOf(position: number): number {
    const row = this.#scan?.matches.indexFrom(position) ?? position - this.#history.replica.floor;
    return Math.max(0, Math.min(this.rows - 1, row));
  }

  /** The row of a line that was shown a moment ago; `undefined` when another line stands there by now. */
  rowSeen({ position, line }: SeenLine): number | undefined {
    const row = this.rowOf(position);
    return this.positionAt(row) === position && this.lineAt(row) === line ? row : undefined;
  }

  /** The row of a marked line; `undefined` when there is none, or the line is gone. */
  rowHeld(role: Role): number | undefined {
    const at = this.bookmark(role);
    if (at === undefined || at.isGone) return undefined;
    const row = this.rowOf(at.position);
    return this.positionAt(row) === at.position ? row : undefined;
  }

  /** The marked line as it was. */
  lineHeld(role: Role): string | undefined {
    return this.#marked[role]?.line;
  }

  /** Where that line stands now. */
  bookmark(role: Role): Bookmark | undefined {
    // What moves a bookmark redraws the replica.
    return this.#history.replica && this.#marked[role]?.at;
  }

  /** Marks the line of a row, or none. */
  hold(role: Role, row: number | undefined): void {
    const former = this.#marked[role];
    if (former !== undefined) this.#history.current.unmark(former.at);
    const { [role]: _, ...rest } = this.#marked;
    if (row === undefined || this.rows === 0) this.#marked = rest;
    else {
      const at = this.#history.current.mark(this.positionAt(row));
      this.#marked = { ...rest, [role]: { at, line: this.lineAt(row) ?? "" } };
    }
  }

  /** Brings a line into view, whatever is filtered. */
  reveal(position: number): void {
    if (!isAny(this.#filter)) this.filter = anyLine;
    this.hold("cursor", this.rowOf(position));
    this.revealed += 1;
  }

  /** The topmost row in view, wherever it has moved. */
  get topRow(): number | undefined {
    return this.#top && this.rowOf(this.#top.position);
  }

  /** Rows behind the last one that was seen. */
  get unseen(): number {
    const { last } = this.#history.replica;
    const seen = this.#seen?.position ?? last;
    return this.#scan === undefined ? last - seen : this.rows - this.#scan.matches.indexFrom(seen + 1);
  }

  /** The newest row is in view. */
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

  #startScan(): void {
    this.#scan?.dispose();
    const isWanted = !isAny(this.#filter) && this.problem === undefined;
    this.#scan = isWanted ? new HistoryScan(this.#exchanges, this.#history, this.#filter) : undefined;
  }

  /** A plot shows what lies around the times of the filter, too. */
  #startPlotScan(isWanted: boolean): void {
    this.#plotScan?.dispose();
    const filter = { ...this.#filter, since: "", until: "" };
    this.#plotScan = isWanted ? new HistoryScan(this.#exchanges, this.#history, filter, false) : undefined;
  }
}

/** The parts of a filter that decide what is counted. */
function encodeCounted({ text, user, operation }: LineFilter): string {
  return JSON.stringify([text, user, operation]);
}

/**
 * The row to which a key moves the cursor, which may lie beyond the ends; `undefined` for a key that moves nothing.
 *
 * @param seen rows in view at once; a page's move leaves one of them in view
 */
export function rowAfterKey(
  key: string,
  current: number,
  { count, seen }: { readonly count: number; readonly seen: number },
): number | undefined {
  const page = Math.max(1, seen - 1);
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: current + 1,
    j: current + 1,
    ArrowUp: current - 1,
    k: current - 1,
    PageDown: current + page,
    PageUp: current - page,
    Home: 0,
    End: count - 1,
  };
  return targets[key];
}
