/** Line numbers as a caller gives them, made into positions; the same for every engine. */

import { describeLines, HistoryError } from "./errors.ts";
import type { Range } from "./history.ts";

/** Positions, both included; none when `to` is `from - 1`. */
export interface Positions {
  readonly from: number;
  readonly to: number;
}

/** The positions that a range names in a history of so many lines. @throws HistoryError `range` */
export function resolveRange({ from, to }: Range, lines: number): Positions {
  const first = resolveLine(from ?? 1, lines);
  const last = to === undefined ? lines : Math.min(countFromEnd(to, lines), lines);
  if (first > lines) {
    // Asking an empty history for all it has, or for its last lines, is no mistake.
    if (lines === 0 && (from === undefined || from < 0)) return { from: 1, to: 0 };
    throw new HistoryError("range", `line ${first} is past the last line; ${describeLines(lines)}`);
  }
  if (first > last) {
    const end = last < 1 ? "before line 1" : `at line ${last}`;
    const choice = first === lines ? `type ${lines} as its last line` : `type a last line from ${first} to ${lines}`;
    throw new HistoryError("range", `the range begins at line ${first} and ends ${end}; ${choice}, or leave it out`);
  }
  return { from: first, to: last };
}

/** The position from which a feed gives lines. @throws HistoryError `range` */
export function resolveFollow(from: number | undefined, lines: number): number {
  const first = from === undefined ? lines + 1 : resolveLine(from, lines);
  if (first <= lines + 1) return first;
  throw new HistoryError("range", `line ${first} is past the next line to be written, ${lines + 1}; follow from there`);
}

function resolveLine(line: number, lines: number): number {
  return Math.max(1, countFromEnd(line, lines));
}

function countFromEnd(line: number, lines: number): number {
  if (Number.isSafeInteger(line) && line !== 0) return line > 0 ? line : lines + 1 + line;
  throw new HistoryError("range", `${line} is no line; give 1 for the first line, -1 for the last`);
}
