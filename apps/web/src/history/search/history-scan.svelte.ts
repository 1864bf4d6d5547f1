/**
 * A scan of the history for the lines that match a filter.
 *
 * It begins with the newest lines that are held, goes on with every line that comes, and reads on backwards by itself, a
 * block of lines at a time, until all are seen, enough are found or it is stopped. So what it has seen is always one range up
 * to the newest line. A read leaves a line in the history, so it waits until the typing has settled, and what was read is held
 * as far as there is room: the next filter of a history that fits needs no read.
 */

import type { Stream } from "../../streams/stream.svelte.ts";
import type { Streams } from "../../streams/streams.svelte.ts";
import { filterSettleMs, matchesKept, scanBlockLines, scanSliceLines } from "../../limits.ts";
import { firstIndex } from "../../ui/first-index.ts";
import { RedrawThrottle } from "../../ui/redraw-throttle.svelte.ts";
import type { Bookmark, Deletion, HistoryReplica } from "../replica/history-replica.ts";
import type { History } from "../replica/history.svelte.ts";
import { readInto } from "../replica/range-read.ts";
import { timeOf } from "../view/line-text.ts";
import { createMatcher } from "./filter.ts";
import type { Filter } from "./filter.ts";

export class HistoryScan {
  isReading = $state(false);
  error = $state("");
  readonly #redraw = new RedrawThrottle();
  readonly #streams: Streams;
  readonly #history: History;
  readonly #replica: HistoryReplica;
  readonly #isMatch: (line: string) => boolean;
  readonly #isHidden: (line: string) => boolean;
  readonly #since: string;
  /** The first line that was scanned. */
  readonly #from: Bookmark;
  /** The time of that line, if it has one. */
  #oldest = "";
  readonly #matches = new Matches();
  readonly #stopListening: () => void;
  #stream: Stream | undefined;
  /** Every scan backwards is a new run; what still waits in an older one ends without effect. */
  #run = 0;

  /** @param isHidden tells lines that are left out although they match */
  constructor(streams: Streams, history: History, filter: Filter, isHidden: (line: string) => boolean = () => false) {
    const replica = history.current;
    this.#streams = streams;
    this.#history = history;
    this.#replica = replica;
    this.#isMatch = createMatcher(filter);
    this.#isHidden = isHidden;
    this.#since = filter.since;
    this.#from = replica.mark(replica.last + 1);
    this.#stopListening = replica.listen((line, deletion) => {
      if (deletion !== undefined) this.#matches.delete(deletion);
      const deleted = deletion === undefined ? 0 : deletion.position === undefined ? replica.last : 1;
      if (this.#wants(line)) this.#matches.append({ position: replica.last - deleted + 1, line: ownCopy(line) });
      this.#redraw.mark();
    });
    this.#scanHeld();
    void this.scanBack();
  }

  /** The lines that match, for components: they are drawn again when these change. */
  get matches(): Matches {
    this.#redraw.listen();
    return this.#matches;
  }

  /** The first position that was scanned. */
  get from(): number {
    this.#redraw.listen();
    return this.#from.position;
  }

  /** True when nothing is left to scan: times increase, so no line before the wanted ones can match. */
  get isWhole(): boolean {
    const isBeforeAll = this.#since !== "" && this.#oldest !== "" && this.#oldest < this.#since;
    return this.from <= 1 || isBeforeAll;
  }

  /** Scans further back, to the first line or until it is stopped. */
  async scanBack(): Promise<void> {
    const run = ++this.#run;
    const isWanted = () => run === this.#run && !this.isWhole && !this.#matches.isFull;
    this.isReading = isWanted();
    this.error = "";
    let isSettled = false;
    while (isWanted() && this.error === "") {
      if (this.#scanHeld()) await nextTask();
      else if (!isSettled) {
        await new Promise((resolve) => setTimeout(resolve, filterSettleMs));
        isSettled = true;
      } else if (!(await this.#scanBlock()) && isWanted()) {
        this.error = "Earlier lines could not be read.";
      }
    }
    if (run !== this.#run) return;
    this.isReading = false;
  }

  /** Stops the scan backwards; what was found stays. */
  stop(): void {
    this.#run += 1;
    this.isReading = false;
    if (this.#stream?.state === "running") this.#streams.cancel(this.#stream);
  }

  /** Ends the scan altogether. */
  dispose(): void {
    this.stop();
    this.#stopListening();
    this.#replica.unmark(this.#from);
  }

  /** Scans held lines before those that were scanned, as many as one go may take. False when none is held there. */
  #scanHeld(): boolean {
    const to = this.#from.position - 1;
    const lines: string[] = [];
    for (let position = to; lines.length < scanSliceLines; position--) {
      const line = this.#replica.at(position);
      if (line === undefined) break;
      lines.push(line);
    }
    if (lines.length === 0) return false;
    const found: Match[] = [];
    lines.reverse();
    for (const [index, line] of lines.entries()) {
      if (this.#wants(line)) found.push({ position: to - lines.length + 1 + index, line: ownCopy(line) });
    }
    this.#matches.prepend(found);
    this.#noteFrom(to - lines.length + 1, lines[0]);
    return true;
  }

  async #scanBlock(): Promise<boolean> {
    const to = this.#from.position - 1;
    const isRead = await readInto(this.#streams, this.#replica, {
      user: this.#history.user,
      from: Math.max(1, to - scanBlockLines + 1),
      to,
      purpose: "to search earlier lines",
      onStart: (stream) => (this.#stream = stream),
    });
    this.#history.mark();
    // What is held now is scanned next.
    return isRead && this.#replica.at(this.#from.position - 1) !== undefined;
  }

  #noteFrom(position: number, line = ""): void {
    this.#from.position = position;
    this.#oldest = timeOf(line);
    this.#redraw.mark();
  }

  #wants(line: string): boolean {
    return this.#isMatch(line) && !this.#isHidden(line);
  }
}

/** A part of a string keeps the whole of it in memory: a match must not keep its block. */
function ownCopy(line: string): string {
  return JSON.parse(JSON.stringify(line)) as string;
}

/** A turn of the event loop, in which the page can draw and be clicked. */
function nextTask(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    resolve();
  });
  port1.start();
  port2.postMessage(undefined);
  return promise;
}

export interface Match {
  position: number;
  readonly line: string;
}

/** Lines that match a filter, with their positions, in order, kept right as lines are deleted. */
export class Matches {
  /** Times that matches changed their index; those added at the end are not counted. */
  changes = 0;
  #items: Match[] = [];
  readonly #max: number;

  constructor(max: number = matchesKept) {
    this.#max = max;
  }

  get count(): number {
    return this.#items.length;
  }

  get isFull(): boolean {
    return this.#items.length >= this.#max;
  }

  get last(): number {
    return this.#items.length - 1;
  }

  /** The lines from an index on, each with its index. */
  *heldFrom(from: number): Generator<[index: number, line: string]> {
    for (let index = from; index < this.#items.length; index++) yield [index, (this.#items[index] as Match).line];
  }

  at(index: number): Match | undefined {
    return this.#items[index];
  }

  /** The line at a position, if it matches. */
  find(position: number): string | undefined {
    const match = this.at(this.indexFrom(position));
    return match?.position === position ? match.line : undefined;
  }

  /** Index of the first match at a position or behind it. */
  indexFrom(position: number): number {
    return firstIndex(this.#items.length, (index) => (this.#items[index] as Match).position >= position);
  }

  /** Adds a newer match. Making room costs a copy of the rest, so it is done for a tenth of the limit at a time. */
  append(match: Match): void {
    this.#items.push(match);
    if (this.#items.length <= this.#max) return;
    const surplus = this.#items.length - this.#max + Math.floor(this.#max / 10);
    this.#items.splice(0, surplus);
    this.changes += 1;
  }

  /** Adds older matches; of more than there is room for, the newest stay. */
  prepend(older: readonly Match[]): void {
    if (older.length === 0) return;
    this.#items = [...older, ...this.#items].slice(-this.#max);
    this.changes += 1;
  }

  /** A line was deleted, or all were. */
  delete({ position }: Pick<Deletion, "position">): void {
    this.changes += 1;
    const index = this.indexFrom(position ?? Infinity);
    if (position === undefined) this.#items = [];
    else if (this.#items[index]?.position === position) this.#items.splice(index, 1);
    for (let at = index; at < this.#items.length; at++) (this.#items[at] as Match).position -= 1;
  }
}
