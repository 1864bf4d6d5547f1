/** Reads of the history with operation 2, as exchanges of the page's own. */

import type { Exchange } from "../../exchanges/exchange.svelte.ts";
import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import { markerTimeoutMs } from "../../limits.ts";
import { HistoryReplica } from "./history-replica.ts";
import { LineSplitter } from "./line-splitter.ts";
import { RangeRead } from "./range-read.ts";

const readOperation = 2;

/** Which lines to read, in whose name, and what for. */
export interface ReadOrder {
  readonly user: string;
  readonly from: number;
  readonly to: number;
  readonly purpose: string;
  /** Told how many lines have come so far. */
  readonly onProgress?: (lines: number) => void;
  /** Told of the exchange, so that it can be cancelled. */
  readonly onBegin?: (exchange: Exchange) => void;
}

/** Lines as they stood at one moment, and what is known of where they stand now. Dispose of it when they are placed. */
export interface LinesRead extends Disposable {
  readonly from: number;
  readonly lines: readonly string[];
  readonly read: RangeRead;
}

/**
 * Reads a range of lines that a copy knows to be there, and waits until it is known which deletes they have seen.
 * `undefined` when that failed, or cannot be told because lines were deleted in that moment.
 */
export async function readLines(
  exchanges: Exchanges,
  copy: HistoryReplica,
  { user, from, to, purpose, onProgress, onBegin }: ReadOrder,
): Promise<LinesRead | undefined> {
  const lines: string[] = [];
  const splitter = new LineSplitter();
  const name = user.split("~", 1)[0] ?? "";
  const read = new RangeRead(copy, `${name} ${readOperation} ${from} ${to}`, to, performance.now());
  const exchange = exchanges.request({
    user,
    operation: readOperation,
    values: [String(from), String(to)],
    by: "page",
    purpose,
    onResponse: (bytes) => {
      read.noteAnswer(performance.now());
      for (const line of splitter.push(bytes)) lines.push(line);
      onProgress?.(lines.length);
    },
  });
  if (exchange !== undefined) {
    exchanges.keepFew(exchange);
    onBegin?.(exchange);
  }
  await exchange?.over;
  lines.push(...splitter.finish());
  const isRead = exchange?.state === "done" && exchange.answer === "accepted";
  if (isRead && (await isMarked(read)) && !read.isDoubtful) {
    return { from, lines, read, [Symbol.dispose]: () => read[Symbol.dispose]() };
  }
  read[Symbol.dispose]();
  return undefined;
}

/** Reads lines and puts them where they belong. False when that failed. */
export async function readInto(exchanges: Exchanges, copy: HistoryReplica, order: ReadOrder): Promise<boolean> {
  using found = await readLines(exchanges, copy, order);
  if (found === undefined) return false;
  const { from, lines, read } = found;
  const kept = lines.filter((_, index) => read.place(from + index) !== undefined);
  const first = lines.findIndex((_, index) => read.place(from + index) !== undefined);
  if (first >= 0) copy.put(read.place(from + first) as number, kept, read.doubtUntil);
  return true;
}

/** Reads the whole history of a server that cannot be followed into a new copy, which keeps the newest lines. */
export async function readWhole(
  exchanges: Exchanges,
  user: string,
): Promise<{ exchange: Exchange | undefined; copy: HistoryReplica }> {
  const copy = new HistoryReplica();
  const splitter = new LineSplitter();
  const take = (line: string) => copy.append(line);
  const exchange = exchanges.request({
    user,
    operation: readOperation,
    by: "page",
    purpose: "to show the history",
    onResponse: (bytes) => splitter.push(bytes).forEach(take),
  });
  await exchange?.over;
  splitter.finish().forEach(take);
  copy.floor = copy.tailFirst;
  return { exchange, copy };
}

/** Waits for the request's own line. A follow that does not bring it is out of order, or has ended. */
async function isMarked(read: RangeRead): Promise<boolean> {
  const { promise: tooLate, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), markerTimeoutMs);
  const isSeen = await Promise.race([read.marked.then(() => true), tooLate]);
  clearTimeout(timer);
  return isSeen;
}
