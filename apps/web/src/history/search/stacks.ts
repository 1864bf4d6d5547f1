/** A tally as a plot and a table need it: the biggest series by name, the rest together, a column for each stretch. */

import { others } from "./histogram.ts";
import type { Histogram } from "./histogram.ts";

/** One stretch of time. */
export interface Column {
  readonly startMs: number;
  readonly total: number;
  /** Lines of each series, in the order of `names`. */
  readonly lines: readonly number[];
}

export interface Stacks {
  readonly names: readonly string[];
  /** Lines of each series in all. */
  readonly totals: readonly number[];
  readonly columns: readonly Column[];
  readonly widthMs: number;
  readonly highest: number;
}

/** @param seriesMax series that are told apart; the smaller ones are put together */
export function stackUp(tally: Histogram, seriesMax: number): Stacks {
  const bySize = [...tally.series].filter(([name]) => name !== others).toSorted((a, b) => b[1] - a[1]);
  const named = bySize.slice(0, seriesMax).map(([name]) => name);
  const hasRest = bySize.length > seriesMax || tally.series.has(others);
  const { startMs, buckets } = tally.span;
  const columns = Array.from({ length: buckets }, (_, index): Column => {
    const bucket = tally.bucket(index) ?? new Map<string, number>();
    const total = [...bucket.values()].reduce((sum, lines) => sum + lines, 0);
    const lines = named.map((name) => bucket.get(name) ?? 0);
    const rest = total - lines.reduce((sum, each) => sum + each, 0);
    return { startMs: startMs + index * tally.widthMs, total, lines: hasRest ? [...lines, rest] : lines };
  });
  const names = hasRest ? [...named, others] : named;
  return {
    names,
    totals: names.map((_, index) => columns.reduce((sum, { lines }) => sum + (lines[index] ?? 0), 0)),
    columns,
    widthMs: tally.widthMs,
    highest: Math.max(1, ...columns.map(({ total }) => total)),
  };
}

/** Columns beyond which no room is left between two. */
const spacedMax = 120;

/**
 * The columns of one series as the path of an SVG, on top of the series before it.
 *
 * @param height of the highest column
 * @param bottom where all of them stand
 */
export function columnPath({ columns, highest }: Stacks, series: number, height: number, bottom: number): string {
  const scale = height / highest;
  const width = columns.length > spacedMax ? 1 : 0.9;
  return columns
    .map(({ lines }, x) => {
      const own = lines[series] ?? 0;
      if (own === 0) return "";
      const below = lines.slice(0, series).reduce((sum, each) => sum + each, 0);
      return `M${x} ${bottom - below * scale}v${-own * scale}h${width}v${own * scale}z`;
    })
    .join("");
}

/** A time as a filter takes it, to the second. */
export function toPrefix(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

/** A stretch of time in words, as short as its width allows. */
export function describeStretch(fromMs: number, toMs: number): string {
  const [from, to] = [toPrefix(fromMs).replace("T", " "), toPrefix(toMs).replace("T", " ")];
  return from.slice(0, 10) === to.slice(0, 10) ? `${from} to ${to.slice(11)}` : `${from} to ${to}`;
}
