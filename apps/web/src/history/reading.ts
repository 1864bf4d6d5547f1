/** Reads of the history with operation 2, as exchanges of the page's own. */

import type { Exchange } from "../exchange/exchange.svelte.ts";
import type { Exchanges } from "../exchange/exchanges.svelte.ts";
import { historyLinesKept } from "../limits.ts";
import { HistoryCopy } from "./history-copy.ts";
import { LineSplitter } from "./line-splitter.ts";

/** Who reads, with which operation, and how many lines at once. */
export interface ReadOrder {
  readonly user: string;
  readonly operation: number;
  readonly lines: number;
}

/**
 * Reads lines before the first of a copy and puts them there. False when the two do not fit together, because lines
 * were deleted meanwhile, or when the read failed.
 *
 * @param waitFor settles when the copy has a line at that position: the read may be quicker than the follow
 */
export async function readBefore(
  exchanges: Exchanges,
  copy: HistoryCopy,
  { user, operation, lines }: ReadOrder,
  waitFor: (position: number) => Promise<void>,
): Promise<boolean> {
  const to = copy.first;
  const from = Math.max(1, to - lines);
  if (from === to) return true;
  const read: string[] = [];
  const splitter = new LineSplitter();
  const exchange = exchanges.request({
    user,
    operation,
    values: [String(from), String(to)],
    by: "page",
    purpose: "to show earlier lines",
    onResponse: (bytes) => read.push(...splitter.push(bytes)),
  });
  await exchange?.over;
  if (exchange?.state !== "done" || exchange.answer !== "accepted") return false;
  read.push(...splitter.finish());
  await waitFor(to);
  const overlap = read.pop();
  const fits = copy.first === to && read.length === to - from && overlap !== undefined && copy.at(to) === overlap;
  if (fits) copy.prepend(read);
  return fits;
}

/** Reads the whole history into a new copy, which keeps the newest lines. */
export async function fetchHistory(
  exchanges: Exchanges,
  user: string,
  operation: number,
): Promise<{ exchange: Exchange | undefined; copy: HistoryCopy }> {
  const copy = new HistoryCopy(1);
  const splitter = new LineSplitter();
  const take = (line: string) => copy.append(line);
  const exchange = exchanges.request({
    user,
    operation,
    by: "page",
    purpose: "to show the history",
    onResponse: (bytes) => splitter.push(bytes).forEach(take),
  });
  await exchange?.over;
  splitter.finish().forEach(take);
  return { exchange, copy };
}

/**
 * Gives a new copy the older lines of the one that was shown. A deleted line moves all lines behind it, so when the new
 * copy's first line stands at the same position in the old one, nothing before it was deleted.
 */
export function keepOlder(shown: HistoryCopy, copy: HistoryCopy): void {
  const anchor = shown.at(copy.first);
  const room = historyLinesKept - copy.lines.length;
  const older = copy.first - shown.first;
  if (anchor === undefined || anchor !== copy.at(copy.first) || older <= 0 || older > room) return;
  copy.prepend(shown.lines.slice(0, older));
  copy.rowsBefore = shown.rowsBefore;
}
