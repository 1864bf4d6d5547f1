/**
 * How many lines there were over time, by user or by operation, in bounded memory, and the columns in which a plot shows it.
 *
 * Counts are in buckets of equal width. The width grows with the span of time, so that there are never more than
 * `bucketsMax`. The series are the first `seriesMax` names that came; later names are counted among the others.
 */

import { histogramBucketsMax, histogramSeriesMax } from "../../limits.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Widths that people think in, in units; beyond the last it doubles. */
const widths = [
  ...[1, 2, 5, 10, 30].map((seconds) => seconds * second),
  ...[1, 2, 5, 10, 30].map((minutes) => minutes * minute),
  ...[1, 2, 6, 12].map((hours) => hours * hour),
  ...[1, 2, 7].map((days) => days * day),
];

/** The name of the series for names that came too late to have one of their own. */
export const others = "others";

/** Counts within one width of time, by series. */
type Bucket = Map<string, number>;

export class Histogram {
  /** Milliseconds that a bucket is wide. */
  widthMs = second;
  readonly series = new Map<string, number>();
  #buckets = new Map<number, Bucket>();
  #first = Infinity;
  #last = -Infinity;
  readonly #bucketsMax: number;
  readonly #seriesMax: number;

  constructor(bucketsMax: number = histogramBucketsMax, seriesMax: number = histogramSeriesMax) {
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

  /** Counts a line, unless it has no time. */
  add(atMs: number, name: string): void {
    if (Number.isNaN(atMs)) return;
    const series = this.series.has(name) || this.series.size < this.#seriesMax ? name : others;
    this.series.set(series, (this.series.get(series) ?? 0) + 1);
    this.#putLines(Math.floor(atMs / this.widthMs), series, 1);
    while (this.#last - this.#first >= this.#bucketsMax) this.#widen();
  }

  #putLines(index: number, name: string, lines: number): void {
    let bucket = this.#buckets.get(index);
    if (bucket === undefined) this.#buckets.set(index, (bucket = new Map()));
    bucket.set(name, (bucket.get(name) ?? 0) + lines);
    this.#first = Math.min(this.#first, index);
    this.#last = Math.max(this.#last, index);
  }

  #widen(): void {
    const width = widths.find((each) => each > this.widthMs && each % this.widthMs === 0) ?? this.widthMs * 2;
    const former = this.#buckets;
    const ratio = width / this.widthMs;
    this.widthMs = width;
    this.#buckets = new Map();
    this.#first = Infinity;
    this.#last = -Infinity;
    for (const [key, bucket] of former) {
      for (const [name, lines] of bucket) this.#putLines(Math.floor(key / ratio), name, lines);
    }
  }
}

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

/** One column of a plot: a bucket. */
export interface Column {
  readonly startMs: number;
  readonly total: number;
  /** Lines of each series, in the order of `names`. */
  readonly lines: readonly number[];
}

/** A histogram as a plot and a table show it: the biggest series by name, the rest together. */
export interface Stacks {
  readonly names: readonly string[];
  /** Lines of each series in all. */
  readonly totals: readonly number[];
  readonly columns: readonly Column[];
  readonly widthMs: number;
}

/** @param seriesMax series with a name of their own; the smaller ones are put together */
export function stackUp(histogram: Histogram, seriesMax: number): Stacks {
  const bySize = [...histogram.series].filter(([name]) => name !== others).toSorted((a, b) => b[1] - a[1]);
  const named = bySize.slice(0, seriesMax).map(([name]) => name);
  const hasRest = bySize.length > seriesMax || histogram.series.has(others);
  const { startMs, buckets } = histogram.span;
  const columns = Array.from({ length: buckets }, (_, index): Column => {
    const bucket = histogram.bucket(index) ?? new Map<string, number>();
    const total = [...bucket.values()].reduce((sum, lines) => sum + lines, 0);
    const lines = named.map((name) => bucket.get(name) ?? 0);
    const rest = total - lines.reduce((sum, each) => sum + each, 0);
    return { startMs: startMs + index * histogram.widthMs, total, lines: hasRest ? [...lines, rest] : lines };
  });
  const names = hasRest ? [...named, others] : named;
  return {
    names,
    totals: names.map((_, index) => columns.reduce((sum, { lines }) => sum + (lines[index] ?? 0), 0)),
    columns,
    widthMs: histogram.widthMs,
  };
}

/** The columns of one series as the path of an SVG, one unit wide each, on top of the series before it. */
export function columnPath(columns: readonly Column[], series: number, highest: number): string {
  return columns
    .map(({ lines }, x) => {
      const own = lines[series] ?? 0;
      const below = lines.slice(0, series).reduce((sum, each) => sum + each, 0);
      return own === 0 ? "" : `M${x} ${highest - below}v${-own}h0.9v${own}z`;
    })
    .join("");
}

/** Colours of a plot: a name keeps the one that it has had, also while a filter hides it. */
export class SeriesColours {
  readonly #given = new Map<string, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** The number of the colour of each name; the last one belongs to the others. */
  of(names: readonly string[]): readonly number[] {
    const shown = new Set(names);
    for (const name of names) {
      if (name === others || this.#given.has(name)) continue;
      const all = Array.from({ length: this.#max }, (_, colour) => colour);
      const taken = new Map([...this.#given].map(([each, colour]) => [colour, each]));
      const colour = all.find((each) => !taken.has(each)) ?? all.find((each) => !shown.has(taken.get(each) ?? "")) ?? 0;
      this.#given.delete(taken.get(colour) ?? "");
      this.#given.set(name, colour);
    }
    return names.map((name) => this.#given.get(name) ?? this.#max);
  }
}
