/**
 * How many lines there were over time, by user or by operation, in bounded memory.
 *
 * Counts stand in buckets of equal width, which grows as the span of time does, so that there are never more than
 * `bucketsMax`. Series are the first `seriesMax` names that came; whatever comes later is counted among the others.
 */

import { tallyBucketsMax, tallySeriesMax } from "../../limits.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Widths that people think in; beyond the last it doubles. */
const widths = [
  second,
  2 * second,
  5 * second,
  10 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  30 * minute,
  hour,
  2 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
];

/** Counts of one stretch of time, by series. */
export type Bucket = Map<string, number>;

export class Histogram {
  /** Lines that bear no time. */
  untimed = 0;
  /** Lines that are counted. */
  total = 0;
  /** Milliseconds that a bucket is wide. */
  widthMs = second;
  readonly series = new Map<string, number>();
  #buckets = new Map<number, Bucket>();
  #first = Infinity;
  #last = -Infinity;
  readonly #bucketsMax: number;
  readonly #seriesMax: number;

  constructor(bucketsMax: number = tallyBucketsMax, seriesMax: number = tallySeriesMax) {
    this.#bucketsMax = bucketsMax;
    this.#seriesMax = seriesMax;
  }

  /** The time at which the first bucket begins, in milliseconds since 1970, and how many there are up to the last. */
  get span(): { readonly startMs: number; readonly buckets: number } {
    if (this.#buckets.size === 0) return { startMs: 0, buckets: 0 };
    return { startMs: this.#first * this.widthMs, buckets: this.#last - this.#first + 1 };
  }

  /** The counts of a bucket, by its rank from the first. */
  bucket(index: number): Bucket | undefined {
    return this.#buckets.get(this.#first + index);
  }

  /** Counts a line. */
  add(atMs: number, name: string): void {
    if (Number.isNaN(atMs)) {
      this.untimed += 1;
      return;
    }
    this.#count(Math.floor(atMs / this.widthMs), this.#seriesOf(name), 1);
    this.total += 1;
    while (this.#last - this.#first >= this.#bucketsMax) this.#widen();
  }

  /** Adds all that another tally counted. */
  addAll(other: Histogram): void {
    this.untimed += other.untimed;
    while (this.widthMs < other.widthMs) this.#widen();
    for (const [key, bucket] of other.#buckets) {
      const index = Math.floor((key * other.widthMs) / this.widthMs);
      for (const [name, lines] of bucket) this.#count(index, this.#seriesOf(name), lines);
    }
    this.total += other.total;
    while (this.#last - this.#first >= this.#bucketsMax) this.#widen();
  }

  #count(index: number, name: string, lines: number): void {
    let bucket = this.#buckets.get(index);
    if (bucket === undefined) this.#buckets.set(index, (bucket = new Map()));
    bucket.set(name, (bucket.get(name) ?? 0) + lines);
    this.series.set(name, (this.series.get(name) ?? 0) + lines);
    this.#first = Math.min(this.#first, index);
    this.#last = Math.max(this.#last, index);
  }

  #seriesOf(name: string): string {
    return this.series.has(name) || this.series.size < this.#seriesMax ? name : others;
  }

  #widen(): void {
    const width = widths.find((each) => each > this.widthMs && each % this.widthMs === 0) ?? this.widthMs * 2;
    const former = this.#buckets;
    this.#buckets = new Map();
    this.#first = Infinity;
    this.#last = -Infinity;
    const ratio = width / this.widthMs;
    this.widthMs = width;
    for (const [key, bucket] of former) {
      const index = Math.floor(key / ratio);
      const merged = this.#buckets.get(index) ?? new Map<string, number>();
      for (const [name, lines] of bucket) merged.set(name, (merged.get(name) ?? 0) + lines);
      this.#buckets.set(index, merged);
      this.#first = Math.min(this.#first, index);
      this.#last = Math.max(this.#last, index);
    }
  }
}

/** The name of the series for names that came too late to have one of their own. */
export const others = "others";

let knownMinute = "";
let knownMinuteMs = NaN;

/** Milliseconds since 1970 of a line's time, `NaN` for none. Neighbours mostly share a minute. */
export function toMs(time: string): number {
  const prefix = time.slice(0, 16);
  if (prefix !== knownMinute) {
    knownMinute = prefix;
    knownMinuteMs = time === "" ? NaN : Date.parse(`${prefix}Z`);
  }
  return knownMinuteMs + Number(time.slice(17, 23)) * second;
}
