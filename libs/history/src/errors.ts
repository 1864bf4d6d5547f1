/** What can go wrong with a history; docs/history-format.md lists each code. */
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

/** The code of a `HistoryError`. */
export type HistoryErrorCode = (typeof historyErrorCodes)[number];

/**
 * Ours to answer for: nothing is acknowledged.
 *
 * `no-such-line`, `line-changed` and `range` concern one request, whose sentence may be sent to the peer.
 * `storage-full` fails the requests of one batch; later ones may succeed. `storage-failed` says that the storage could
 * not be opened, read or written; after a write it is final, as `History.ended` tells, and the process should stop.
 * `in-use` comes from opening a history, `closed` from calling one that has been closed.
 */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
  readonly code: HistoryErrorCode;

  constructor(code: HistoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
