/**
 * Reads lines of the history into the cache with operation 2, each time from one version of it [W-22]. A delete moves all lines
 * behind it, and the follow tells its time. A read therefore waits until the cache has reached that version, and is made again
 * when a line was deleted since. It leaves a line in the history, so it waits until the scrolling has settled.
 */

import { decodeSnapshotHeader, decodeText, LineSplitter, type Line } from "@wirebook/protocol";
import type { Streams } from "../../streams/streams.svelte.ts";
import {
  historyAheadLines,
  historyLineBytesKept,
  historyPageLines,
  readTriesMax,
  scrollSettleMs,
  snapshotWaitMs,
} from "../../limits.ts";
import type { LineCache } from "./line-cache.svelte.ts";

const readOperation = 2;

export class LineReader {
  /** By whom the page follows and reads the history, with the key. */
  user = "";
  error = $state("");
  readonly #streams: Streams;
  readonly #cache: LineCache;
  readonly #canRead: () => boolean;
  #view = { from: 0, to: -1 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isReading = false;

  /** @param canRead false while there is no follow, without which no number is certain */
  constructor(streams: Streams, cache: LineCache, canRead: () => boolean) {
    this.#streams = streams;
    this.#cache = cache;
    this.#canRead = canRead;
  }

  /** These lines are in view: they are read, and those near them. */
  want(from: number, to: number): void {
    const isElsewhere = from > this.#view.to || to < this.#view.from;
    this.#view = { from, to };
    this.#cache.touch(from, to);
    if (this.#isReading || this.#missing() === undefined) return;
    // What could not be read is read again when it is asked for: the next line that comes, this read's own, is no reason.
    if (!isElsewhere && (this.#timer !== undefined || this.error !== "")) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.readView(), scrollSettleMs);
  }

  async readView(): Promise<void> {
    this.#timer = undefined;
    if (this.#isReading) return;
    this.#isReading = true;
    this.error = "";
    for (let at = this.#missing(); at !== undefined && this.error === "" && this.#canRead(); at = this.#missing()) {
      const from = at - ((at - 1) % historyPageLines);
      await this.read(from, from + historyPageLines - 1, "to show the lines in view");
      // Lines that are gone by now are not missed.
      if (this.#cache.missing(at, at) === at) this.error = "These lines could not be read.";
    }
    this.#isReading = false;
  }

  /** The first line from a time on, or the last one: times increase with the numbers of lines, so it is found by halving. */
  async find(time: string): Promise<number | undefined> {
    this.error = "";
    let [low, high] = [1, this.#cache.last];
    while (low < high) {
      const middle = (low + high) >> 1;
      const from = Math.max(1, middle - historyPageLines / 2);
      const isHeld = this.#cache.at(middle) !== undefined;
      if (!isHeld && !(await this.read(from, from + historyPageLines - 1, "to find a line by its time"))) {
        this.error = "The line of that time was not found: the lines could not be read.";
        return undefined;
      }
      if (this.#cache.timeAt(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Reads lines and puts them where they belong by then. False when that failed. */
  async read(from: number, to: number, purpose: string): Promise<boolean> {
    const cache = this.#cache;
    const { starts } = cache;
    for (let tries = 0; tries < readTriesMax; tries++) {
      const [header = "", ...lines] = await this.#request(from, Math.min(to, cache.last), purpose);
      const version = decodeSnapshotHeader(header);
      if (version === undefined || !(await this.#reaches(version.time)) || cache.starts !== starts) return false;
      if (cache.deletedAt > version.time) continue;
      cache.put(version.from, lines);
      return true;
    }
    return false;
  }

  #missing(): number | undefined {
    const { from, to } = this.#view;
    return this.#cache.missing(from, to) ?? this.#cache.missing(from - historyAheadLines, to + historyAheadLines);
  }

  async #request(from: number, to: number, purpose: string): Promise<readonly string[]> {
    const splitter = new LineSplitter(historyLineBytesKept);
    const lines: string[] = [];
    const stream = this.#streams.request({
      user: this.user,
      operation: readOperation,
      values: [String(from), String(to), "snapshot"],
      by: "page",
      purpose,
      onResponse: (bytes) => lines.push(...splitter.push(bytes).map(toText)),
    });
    if (stream === undefined) return [];
    this.#streams.keepFew(stream);
    await stream.over;
    return stream.state === "done" && stream.answer === "accepted" ? [...lines, ...splitter.finish().map(toText)] : [];
  }

  /** False when it takes too long: the follow has ended. */
  async #reaches(time: string): Promise<boolean> {
    const cache = this.#cache;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = cache.listen(() => cache.newestTime >= time && resolve());
    const timer = setTimeout(resolve, snapshotWaitMs);
    if (cache.newestTime < time) await promise;
    stop();
    clearTimeout(timer);
    return cache.newestTime >= time;
  }
}

/** A line of a response. One that is longer than what is kept of it says so. */
export function toText({ bytes, length }: Line): string {
  return decodeText(bytes) + (length > bytes.length ? "… (cut)" : "");
}
