export { HistoryError, historyErrorCodes } from "./errors.ts";
export type { HistoryErrorCode } from "./errors.ts";
export type { FileHistoryOptions } from "./file/options.ts";
export { openFileHistory } from "./file/open.ts";
export type { Actor, Asked, Extent, Feed, History, Range, Snapshot, Written } from "./history.ts";
