/**
 * A scan of the history: the lines that match a filter, or how many there were over time.
 *
 * It begins with the newest lines that are held, goes on with every line that comes, and says how far back it has
 * looked. On demand it reads on backwards, a block of lines at a time. So what it has seen is always one range up to the
 * newest line, and memory holds at most a block, whatever the size of the history.
 */

import type { Exchange } from "../../exchanges/exchange.svelte.ts";
import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import { matchesKept, scanBlockLines, scanSliceLines } from "../../limits.ts";
import { RedrawThrottle } from "../../ui/redraw-throttle.svelte.ts";
import type { Bookmark, Deletion, HistoryReplica } from "../replica/history-replica.ts";
import type { History } from "../replica/history.svelte.ts";
import { readLines } from "../replica/range-read.ts";
import type { LinesRead } from "../replica/range-read.ts";
import { sketchLine, timeOf } from "../view/line-text.ts";
import { Histogram, toMs } from "./histogram.ts";
import { createMatcher, readTimePrefix } from "./line-filter.ts";
import type { LineFilter } from "./line-filter.ts";

/** Counts by both kinds of series. */
export interface Histograms {
  readonly user: Histogram;
  readonly operation: Histogram;
}

const createHistograms = (): Histograms => ({ user: new Histogram(), operation: new Histogram() });

export class HistoryScan {
  readonly filter: LineFilter;
  /** True when it keeps the lines that match, false when it counts them. */
  readonly keepsMatches: boolean;
  /** Lines of the current block that have come. */
  progress = $state(0);
  isReading = $state(false);
  error = $state("");
  readonly #redraw = new RedrawThrottle();
  readonly #exchanges: Exchanges;
  readonly #history: History;
  readonly #replica: HistoryReplica;
  readonly #isMatch: (line: string) => boolean;
  readonly #since: string;
  /** The first line that was scanned. */
  readonly #from: Bookmark;
  /** The time of that line, if it has one. */
  #oldest = "";
  readonly #matches = new Matches();
  #histograms = createHistograms();
  readonly #stopListening: () => void;
  #exchange: Exchange | undefined;
  /** Every scan backwards is a new run; what still waits in an older one ends without effect. */
  #run = 0;

  constructor(exchanges: Exchanges, history: History, filter: LineFilter, keepsMatches = true) {
    const replica = history.current;
    this.#exchanges = exchanges;
    this.#history = history;
    this.#replica = replica;
    this.filter = filter;
    this.keepsMatches = keepsMatches;
    this.#isMatch = createMatcher(filter);
    this.#since = readTimePrefix(filter.since) ?? "";
    this.#from = replica.mark(replica.tailFirst);
    for (let position = this.#from.position; position <= replica.last; position++) {
      this.#take(position, replica.at(position) as string);
    }
    this.#oldest = timeOf(replica.at(this.#from.position) ?? "");
    this.#stopListening = replica.listen((line, deletion) => {
      if (deletion !== undefined) this.#matches.delete(deletion);
      if (deletion !== undefined && deletion.position === undefined) this.#histograms = createHistograms();
      const deleted = deletion === undefined ? 0 : deletion.position === undefined ? replica.last : 1;
      this.#take(replica.last - deleted + 1, line);
      this.#redraw.mark();
    });
  }

  /** The lines that match, for components: they are drawn again when these change. */
  get matches(): Matches {
    this.#redraw.listen();
    return this.#matches;
  }

  get histograms(): Histograms {
    this.#redraw.listen();
    return this.#histograms;
  }

  /** The counts as they are now, for components that are drawn at times of their own. */
  get latest(): Histograms {
    return this.#histograms;
  }

  /** The first position that was scanned. */
  get from(): number {
    this.#redraw.listen();
    return this.#from.position;
  }

  /** True when nothing is left to scan: times increase, so no line before the wanted ones can match. */
  get isWhole(): boolean {
    const isBeforeAll = this.#since !== "" && this.#oldest !== "" && this.#oldest < this.#since;
    return this.from <= this.#replica.floor || isBeforeAll;
  }

  /** Scans further back, to the first line or until it is stopped. */
  async scanBack(): Promise<void> {
    if (this.isReading) return;
    const run = ++this.#run;
    this.isReading = true;
    this.error = "";
    while (this.#wantsMore(run) && this.error === "") {
      if (await this.#scanBlock(run)) continue;
      if (this.#wantsMore(run)) this.error = "The lines before could not be read; try again.";
    }
    if (run !== this.#run) return;
    this.isReading = false;
    this.progress = 0;
  }

  /** Stops the scan backwards; what was found stays. */
  stop(): void {
    if (!this.isReading) return;
    this.#run += 1;
    this.isReading = false;
    this.progress = 0;
    if (this.#exchange !== undefined) this.#exchanges.cancel(this.#exchange);
  }

  /** Ends the scan altogether. */
  dispose(): void {
    this.stop();
    this.#stopListening();
    this.#replica.unmark(this.#from);
  }

  #wantsMore(run: number): boolean {
    return run === this.#run && !this.isWhole && !(this.keepsMatches && this.#matches.isFull);
  }

  async #scanBlock(run: number): Promise<boolean> {
    const to = this.#from.position - 1;
    const block = await readLines(this.#exchanges, this.#replica, {
      user: this.#history.user,
      from: Math.max(this.#replica.floor, to - scanBlockLines + 1),
      to,
      purpose: this.keepsMatches ? "to search earlier lines" : "to count earlier lines",
      onProgress: (lines) => run === this.#run && (this.progress = lines),
      onStart: (exchange) => (this.#exchange = exchange),
    });
    if (block === undefined) return false;
    try {
      return await this.#scanLines(block, run);
    } finally {
      block[Symbol.dispose]();
    }
  }

  async #scanLines(block: LinesRead, run: number): Promise<boolean> {
    // A delete that the follow had not told of yet has moved scanned lines into the range.
    const scanned = block.lines.findIndex((_, index) => (block.positionOf(index) ?? 0) >= this.#from.position);
    const lines = scanned < 0 ? block.lines : block.lines.slice(0, scanned);
    const found: number[] = [];
    const histograms = createHistograms();
    // A slice at a time, so that the page responds meanwhile.
    for (let from = 0; from < lines.length; from += scanSliceLines) {
      for (let index = from; index < Math.min(lines.length, from + scanSliceLines); index++) {
        const line = lines[index] as string;
        if (!this.#isMatch(line)) continue;
        if (this.keepsMatches) found.push(index);
        else count(histograms, line);
      }
      await nextTask();
    }
    if (run === this.#run) this.#keep(block, found, histograms);
    return run === this.#run;
  }

  #keep(block: LinesRead, found: readonly number[], histograms: Histograms): void {
    const older: Match[] = [];
    for (const index of found) {
      const position = block.positionOf(index);
      if (position !== undefined) older.push({ position, line: ownCopy(block.lines[index] as string) });
    }
    this.#matches.prepend(older);
    for (const kind of ["user", "operation"] as const) this.#histograms[kind].addAll(histograms[kind]);
    this.#from.position = block.first ?? this.#from.position;
    this.#oldest = timeOf(block.lines[0] ?? "");
    this.progress = 0;
    this.#redraw.mark();
  }

  #take(position: number, line: string): void {
    if (!this.#isMatch(line)) return;
    if (this.keepsMatches) this.#matches.append({ position, line: ownCopy(line) });
    else count(this.#histograms, line);
  }
}

function count(histograms: Histograms, line: string): void {
  const { time, user, operation } = sketchLine(line);
  const atMs = toMs(time);
  histograms.user.add(atMs, user);
  histograms.operation.add(atMs, operation);
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
  /** Older matches that had to make room. */
  dropped = 0;
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

  at(index: number): Match | undefined {
    return this.#items[index];
  }

  /** Index of the first match at a position or behind it. */
  indexFrom(position: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#items[middle] as Match).position >= position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Adds a newer match. Making room costs a copy of the rest, so it is done for a tenth of the limit at a time. */
  append(match: Match): void {
    this.#items.push(match);
    if (this.#items.length <= this.#max) return;
    const surplus = this.#items.length - this.#max + Math.floor(this.#max / 10);
    this.#items.splice(0, surplus);
    this.dropped += surplus;
  }

  /** Adds older matches; of more than there is room for, the newest stay. */
  prepend(older: readonly Match[]): void {
    const room = Math.max(0, this.#max - this.#items.length);
    const kept = older.length > room ? older.slice(older.length - room) : older;
    this.dropped += older.length - kept.length;
    this.#items = [...kept, ...this.#items];
  }

  /** A line was deleted, or all were. */
  delete({ position }: Pick<Deletion, "position">): void {
    if (position === undefined) {
      this.#items = [];
      this.dropped = 0;
      return;
    }
    const index = this.indexFrom(position);
    if (this.#items[index]?.position === position) this.#items.splice(index, 1);
    for (let at = index; at < this.#items.length; at++) (this.#items[at] as Match).position -= 1;
  }
}
