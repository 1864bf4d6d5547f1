/**
 * What the history panel shows: all lines or those that match a filter, where the view stands, the line with the
 * cursor and the line shown in full. All of these are bookmarks, so that they stay with their lines when lines above are deleted.
 */

import { Persisted } from "../../ui/browser.ts";
import type { Zone } from "../../ui/format.ts";
import type { Bookmark } from "../replica/history-replica.ts";
import type { History } from "../replica/history.svelte.ts";
import type { HistoryScan } from "../search/history-scan.svelte.ts";
import { timeOf } from "./line-text.ts";
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

interface MarkedLine {
  readonly at: Bookmark;
  readonly line: string;
}

type Role = "cursor" | "detailed";

export class HistoryView {
  /** The lines that match, when there is a filter. */
  scan = $state.raw<HistoryScan>();
  /** Counts the requests to bring the line with the cursor into view. */
  revealed = $state(0);
  /** True while the newest row is in view. */
  isEndSeen = $state(true);
  /** The time of the topmost line in view, as far as one was held there; `""` before any was. */
  topTime = $state("");
  readonly #history: History;
  readonly #preferences: { readonly zone: Zone };
  readonly #keptBackground = new Persisted("background-shown");
  #showsBackground = $state(this.#keptBackground.read() === "yes");
  #marked = $state.raw<Readonly<Partial<Record<Role, MarkedLine>>>>({});
  /** Moves with every scrolling; nothing is drawn because of it. */
  #top: Bookmark | undefined;
  /** Rows from the row of that line to the topmost one: it may be the day above the line. */
  #topOffset = 0;
  #seen: Bookmark | undefined;
  #made: Rows | undefined;
  /** What they were made for. */
  #rowsKey: readonly unknown[] = [];

  /** @param preferences with the zone in which days begin */
  constructor(history: History, preferences: { readonly zone: Zone } = { zone: "utc" }) {
    this.#history = history;
    this.#preferences = preferences;
    history.onShown((replica) => {
      // Lines may have moved unseen: what is said or asked of one is not said of another.
      const { cursor } = this.#marked;
      this.#marked = cursor === undefined ? {} : { cursor };
      for (const mark of [cursor?.at, this.#top, this.#seen]) if (mark !== undefined) replica.keepMark(mark);
    });
  }

  /** Whether the requests that pages make by themselves are rows like any other. */
  get showsBackground(): boolean {
    return this.#showsBackground;
  }

  set showsBackground(now: boolean) {
    this.#showsBackground = now;
    this.#keptBackground.write(now ? "yes" : "no");
  }

  /** Rows that there are to see. */
  get rows(): number {
    return this.#rows.count(...this.#items);
  }

  /** What stands in a row. */
  rowAt(row: number): ShownRow {
    const [first] = this.#items;
    const { kind, at, to } = this.#rows.rowAt(row, first);
    if (this.scan === undefined) return { kind, position: at, line: this.#history.replica.at(at), to };
    const { position = 0, line } = this.scan.matches.at(at) ?? {};
    return { kind, position, line, to: position };
  }

  /** The row of a position, or of the next line that is shown. */
  rowOf(position: number): number {
    const [first, last] = this.#items;
    const item = this.scan?.matches.indexFrom(position) ?? position;
    return this.#rows.rowOf(Math.max(first, Math.min(last, item)), first);
  }

  /** The row of a line that was shown a moment ago; `undefined` when another line stands there by now. */
  rowSeen({ position, line }: Pick<ShownRow, "position" | "line">): number | undefined {
    const row = this.rowOf(position);
    const found = this.rowAt(row);
    return found.position === position && found.line === line ? row : undefined;
  }

  /** The row of a marked line; `undefined` when there is none, or the line is gone. */
  rowHeld(role: Role): number | undefined {
    const at = this.bookmark(role);
    if (at === undefined || at.isGone || this.rows === 0) return undefined;
    const row = this.rowOf(at.position);
    return this.rowAt(row).position === at.position ? row : undefined;
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
      const { position, line = "" } = this.rowAt(row);
      this.#marked = { ...rest, [role]: { at: this.#history.current.mark(position), line } };
    }
  }

  /** Moves the cursor to a row, past that of a day. */
  moveCursor(row: number): void {
    const isUp = row < (this.rowHeld("cursor") ?? row);
    this.hold("cursor", this.rowAt(row).kind === "day" ? row + (isUp ? -1 : 1) : row);
  }

  /** Brings a line into view; the filter must be off. */
  reveal(position: number): void {
    if (this.#rows.isFolded(position)) this.showsBackground = true;
    this.hold("cursor", this.rowOf(position));
    this.revealed += 1;
  }

  /** The topmost row in view, wherever it has moved. */
  get topRow(): number | undefined {
    return this.#top && this.rowOf(this.#top.position) + this.#topOffset;
  }

  /** The time of the line in a row, or before it when a day begins there; `""` when it is not held. */
  timeBefore(row: number): string {
    const [first] = this.#items;
    const { kind, at } = this.#rows.rowAt(row, first);
    const item = kind === "day" ? at - 1 : at;
    return timeOf((this.scan === undefined ? this.#history.replica.at(item) : this.scan.matches.at(item)?.line) ?? "");
  }

  /** Lines behind the last one that was seen. */
  get unseen(): number {
    const { last } = this.#history.replica;
    const seen = this.#seen?.position ?? last;
    if (this.scan !== undefined) return this.scan.matches.count - this.scan.matches.indexFrom(seen + 1);
    return this.#rows.shown(seen + 1, last);
  }

  /** Notes whether the newest row is in view. */
  noteEnd(isSeen: boolean): void {
    this.isEndSeen = isSeen;
    if (!isSeen) return;
    const { current } = this.#history;
    if (this.#seen !== undefined) current.unmark(this.#seen);
    this.#seen = current.mark(current.last);
  }

  /** Notes which row is the topmost. */
  noteTop(row: number): void {
    if (this.#top !== undefined) this.#history.current.unmark(this.#top);
    this.#top = this.#history.current.mark(this.rowAt(row).position);
    this.#topOffset = row - this.rowOf(this.#top.position);
    this.topTime = this.timeBefore(row) || this.topTime;
  }

  /** The first and the last item: positions of lines, or ranks of matches. */
  get #items(): [first: number, last: number] {
    const { last } = this.#history.replica;
    return this.scan === undefined ? [1, last] : [0, this.scan.matches.count - 1];
  }

  /** Made anew for other lines, another zone, or when lines turn out to be background requests. */
  get #rows(): Rows {
    const { zone } = this.#preferences;
    const { replica, background } = this.#history;
    const source = this.scan?.matches ?? replica;
    const key = [source, zone, this.#showsBackground, background.version];
    if (this.#made === undefined || key.some((part, index) => part !== this.#rowsKey[index])) {
      this.#rowsKey = key;
      const folds = this.scan === undefined && !this.#showsBackground;
      this.#made = new Rows(zone, (line) => folds && background.has(line));
    }
    this.#made.update(source);
    return this.#made;
  }
}
