/** Sentences for requests that name no line, or not the one that they meant; the same for every engine. */

import { timestampOf, redactKeys, quoteText } from "@wirebook/protocol";
import { HistoryError } from "./errors.ts";
import { describeLines } from "./range.ts";

/** There is no such line to delete. */
export function noSuchLine(line: number, lines: number): HistoryError {
  return new HistoryError("no-such-line", `there is no line ${line}; ${describeLines(lines)}`);
}

/**
 * The line to delete is another one than its caller saw. What was expected is whatever somebody typed, perhaps a key,
 * which is taken out before the cut: a piece of one could not be known for a key.
 */
export function lineChanged(line: number, actual: string, expected: string): HistoryError {
  const typed = timestampOf(redactKeys(expected));
  const difference = `line ${line} begins with ${quoteText(redactKeys(actual))}, not with ${quoteText(typed)}`;
  return new HistoryError("line-changed", `${difference}; nothing was deleted, read the history again`);
}
