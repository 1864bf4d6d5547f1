/**
 * What is found by looking through the history: the lines that fit a filter, and how many there were over time.
 *
 * It begins with the newest lines that are in memory, goes on with every line that comes, and says how far back it has
 * looked. On demand it reads on backwards, a block of lines at a time, so that what it has seen is always one stretch up to
 * the newest line, and memory holds a block at most, whatever the size of the history.
 */

import type { Exchange } from "../../exchanges/exchange.svelte.ts";
import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import { pageAttemptsMax, surveyBlockLines, surveySliceLines } from "../../limits.ts";
import { RedrawThrottle } from "../../ui/redraw-throttle.svelte.ts";
import type { Bookmark, HistoryReplica } from "../replica/history-replica.ts";
import { createMatcher, readTimePrefix } from "./line-filter.ts";
import type { LineFilter } from "./line-filter.ts";
import { sketchLine, timeOf } from "../view/line-sketch.ts";
import { Matches } from "./matches.ts";
import type { Match } from "./matches.ts";
import { readLines } from "../replica/reading.ts";
import type { LinesRead } from "../replica/reading.ts";
import { Histogram, toMs } from "./histogram.ts";

/** Counts by both kinds of series. */
export interface Histograms {
  readonly user: Histogram;
  readonly operation: Histogram;
}

const createTallies = (): Histograms => ({ user: new Histogram(), operation: new Histogram() });

/** What one stretch of lines holds. */
interface Found {
  /** Indexes into the stretch. */
  readonly matches: number[];
  readonly tallies: Histograms;
}

export class HistoryScan {
  readonly filter: LineFilter;
  /** True when lines are chosen, not only counted. */
  readonly chooses: boolean;
  /** Lines of the block that is being read that have come. */
  progress = $state(0);
  isReading = $state(false);
  words = $state("");
  readonly #pulse = new RedrawThrottle();
  readonly #copy: HistoryReplica;
  readonly #fits: (line: string) => boolean;
  readonly #since: string;
  /** The time of the first line that was looked at, as far as it has one. */
  #oldest = "";
  readonly #matches = new Matches();
  readonly #stop: () => void;
  #tallies = createTallies();
  /** The first line that was looked at. */
  readonly #from: Bookmark;
  #exchange: Exchange | undefined;
  /** Every looking back is a new turn; whatever still waits in an older one ends without effect. */
  #turn = 0;

  /** @param chooses false to count the lines that fit only */
  constructor(copy: HistoryReplica, filter: LineFilter, chooses = true) {
    this.#copy = copy;
    this.filter = filter;
    this.chooses = chooses;
    this.#fits = createMatcher(filter);
    this.#since = readTimePrefix(filter.since) ?? "";
    this.#from = copy.mark(copy.tailFirst);
    for (let position = this.#from.position; position <= copy.last; position++) {
      this.#take(position, copy.at(position) as string);
    }
    this.#oldest = timeOf(copy.at(this.#from.position) ?? "");
    this.#stop = copy.listen((line, deletion) => {
      if (deletion !== undefined) this.#matches.delete(deletion);
      if (deletion !== undefined && deletion.position === undefined) this.#tallies = createTallies();
      const gone = deletion === undefined ? 0 : deletion.position === undefined ? copy.last : 1;
      this.#take(copy.last - gone + 1, line);
      this.#pulse.mark();
    });
  }

  /** The lines that fit; those who draw them draw them again when they change. */
  get matches(): Matches {
    this.#pulse.listen();
    return this.#matches;
  }

  get tallies(): Histograms {
    this.#pulse.listen();
    return this.#tallies;
  }

  /** The counts as they are now, for those who draw them in their own time. */
  get latest(): Histograms {
    return this.#tallies;
  }

  /** The first position that was looked at. */
  get from(): number {
    this.#pulse.listen();
    return this.#from.position;
  }

  /** True when nothing is left to look at: times increase, so what is before the wanted ones need not be. */
  get isWhole(): boolean {
    const isBeforeAll = this.#since !== "" && this.#oldest !== "" && this.#oldest < this.#since;
    return this.from <= this.#copy.floor || isBeforeAll;
  }

  /** Looks further back, to the first line or until it is stopped. */
  async lookBack(exchanges: Exchanges, user: string): Promise<void> {
    if (this.isReading) return;
    const turn = ++this.#turn;
    this.isReading = true;
    this.words = "";
    let attempts = 0;
    while (this.#wantsMore(turn) && attempts < pageAttemptsMax) {
      attempts = (await this.#readBlock(exchanges, user, turn)) ? 0 : attempts + 1;
      if (attempts === pageAttemptsMax) this.words = "The lines before could not be read; try again.";
    }
    if (turn !== this.#turn) return;
    this.isReading = false;
    this.progress = 0;
  }

  /** Ends the looking back; what was found stays. */
  stop(exchanges: Exchanges): void {
    if (!this.isReading) return;
    this.#turn += 1;
    this.isReading = false;
    this.progress = 0;
    if (this.#exchange !== undefined) exchanges.cancel(this.#exchange);
  }

  /** Ends it altogether. */
  dispose(exchanges: Exchanges): void {
    this.stop(exchanges);
    this.#stop();
    this.#copy.unmark(this.#from);
  }

  #wantsMore(turn: number): boolean {
    return turn === this.#turn && !this.isWhole && !(this.chooses && this.#matches.isFull);
  }

  async #readBlock(exchanges: Exchanges, user: string, turn: number): Promise<boolean> {
    const to = this.#from.position - 1;
    const block = await readLines(exchanges, this.#copy, {
      user,
      from: Math.max(this.#copy.floor, to - surveyBlockLines + 1),
      to,
      purpose: this.chooses ? "to search earlier lines" : "to count earlier lines",
      onProgress: (lines) => turn === this.#turn && (this.progress = lines),
      onBegin: (exchange) => (this.#exchange = exchange),
    });
    if (block === undefined) return false;
    try {
      const found = await this.#look(block.lines);
      if (block.read.isDoubtful || turn !== this.#turn) return false;
      this.#keep(block, found);
      return true;
    } finally {
      block[Symbol.dispose]();
    }
  }

  /** Goes through the lines a slice at a time, so that the page stays at hand. */
  async #look(lines: readonly string[]): Promise<Found> {
    const found: Found = { matches: [], tallies: createTallies() };
    for (let from = 0; from < lines.length; from += surveySliceLines) {
      for (let index = from; index < Math.min(lines.length, from + surveySliceLines); index++) {
        const line = lines[index] as string;
        if (!this.#fits(line)) continue;
        if (this.chooses) found.matches.push(index);
        else count(found.tallies, line);
      }
      await nextTask();
    }
    return found;
  }

  #keep({ from, lines, read }: LinesRead, found: Found): void {
    const older: Match[] = [];
    for (const index of found.matches) {
      const position = read.place(from + index);
      if (position !== undefined) older.push({ position, line: ownCopy(lines[index] as string) });
    }
    this.#matches.prepend(older);
    for (const kind of ["user", "operation"] as const) this.#tallies[kind].addAll(found.tallies[kind]);
    const first = lines.findIndex((_, index) => read.place(from + index) !== undefined);
    if (first >= 0) this.#from.position = read.place(from + first) as number;
    this.#oldest = timeOf(lines[0] ?? "");
    this.progress = 0;
    this.#pulse.mark();
  }

  #take(position: number, line: string): void {
    if (!this.#fits(line)) return;
    if (this.chooses) this.#matches.append({ position, line: ownCopy(line) });
    else count(this.#tallies, line);
  }
}

function count(tallies: Histograms, line: string): void {
  const { time, user, operation } = sketchLine(line);
  const atMs = toMs(time);
  tallies.user.add(atMs, user);
  tallies.operation.add(atMs, operation);
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
