import { CodedError, timestampOf, redactKeys, quoteText } from "@wirebook/protocol";

/** docs/reference/errors.md explains each. */
export const historyErrorCodes = [
  "closed",
  "in-use",
  "line-changed",
  "no-such-line",
  "range",
  "storage-full",
  "storage-failed",
  "storage-unavailable",
] as const;

export type HistoryErrorCode = (typeof historyErrorCodes)[number];

/**
 * Ours to answer for: nothing is acknowledged.
 *
 * `no-such-line`, `line-changed` and `range` concern one request, whose sentence may be sent to the peer. After
 * `storage-full` and `storage-unavailable`, later requests may succeed. `storage-failed` is final when a write failed, as
 * `History.ended` tells: the process should stop.
 */
export class HistoryError extends CodedError<HistoryErrorCode> {
  override readonly name = "HistoryError";
}

/** @throws HistoryError `no-such-line` unless the number is that of a line */
export function assertLine(line: number, lines: number): void {
  if (Number.isSafeInteger(line) && line >= 1 && line <= lines) return;
  throw new HistoryError("no-such-line", `there is no line ${line}; ${describeLines(lines)}`);
}

/**
 * The line to delete must be the one that its caller saw. The expected word was typed and may be a key, which is taken out
 * before the cut: a piece of a key could not be recognised.
 *
 * @throws HistoryError `line-changed`
 */
export function assertUnchanged(line: number, actual: string, expected: string | undefined): void {
  if (expected === undefined || timestampOf(expected) === actual) return;
  const typed = timestampOf(redactKeys(expected));
  const difference = `line ${line} begins with ${quoteText(redactKeys(actual))}, not with ${quoteText(typed)}`;
  throw new HistoryError("line-changed", `${difference}; nothing was deleted, read the history again`);
}

/** Another program has written to the file. The sentence may go to a client, so it names no file. */
export function editedMeanwhile(): HistoryError {
  return new HistoryError("line-changed", "another program has changed the history meanwhile; send the message again");
}

/** How many lines there are, and so which numbers may be given, as the end of a sentence. */
export function describeLines(lines: number): string {
  if (lines === 0) return "the history is empty";
  if (lines === 1) return "the history has one line; give 1";
  return `the history has ${lines} lines; give a number from 1 to ${lines}`;
}
