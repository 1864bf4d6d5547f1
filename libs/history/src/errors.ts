import { CodedError, timestampOf, redactKeys, quoteText } from "@wirebook/protocol";

/** What can go wrong with a history; docs/reference/errors.md lists each code. */
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
 * `no-such-line`, `line-changed` and `range` concern one request, whose sentence may be sent to the peer.
 * `storage-full` fails the requests of one batch; later ones may succeed. `storage-failed` says that the storage could
 * not be opened, read or written; after a write it is final, as `History.ended` tells, and the process should stop.
 * `in-use` comes from opening a history, `closed` from calling one that has been closed.
 */
export class HistoryError extends CodedError<HistoryErrorCode> {
  override readonly name = "HistoryError";
}

export function noSuchLine(line: number, lines: number): HistoryError {
  return new HistoryError("no-such-line", `there is no line ${line}; ${describeLines(lines)}`);
}

/**
 * The line to delete is not the one that its caller saw. The expected word was typed and may be a key, which is taken out
 * before the cut: a piece of a key could not be recognised.
 */
export function lineChanged(line: number, actual: string, expected: string): HistoryError {
  const typed = timestampOf(redactKeys(expected));
  const difference = `line ${line} begins with ${quoteText(redactKeys(actual))}, not with ${quoteText(typed)}`;
  return new HistoryError("line-changed", `${difference}; nothing was deleted, read the history again`);
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
