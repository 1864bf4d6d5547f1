export { HistoryError, historyErrorCodes } from "./errors.ts";
export type { HistoryErrorCode } from "./errors.ts";
export type { FileHistoryOptions } from "./file/options.ts";
export { openFileHistory } from "./file/open.ts";
export { readUsersCopy, writeUsersCopy } from "./file/users/copy.ts";
export { openFileUsers } from "./file/users/file-users.ts";
export type {
  Actor,
  RequestEntry,
  HistorySize,
  Feed,
  History,
  Range,
  Recorded,
  Snapshot,
  AppendResult,
} from "./history.ts";
export { UsersError, usersErrorCodes } from "./users.ts";
export type { User, Users, UsersErrorCode } from "./users.ts";
export { readChunkBytesDefault, usersMax } from "./limits.ts";
export { resolveFollow, resolveRange } from "./range.ts";
export type { Positions } from "./range.ts";
export { lineChanged, noSuchLine } from "./refusals.ts";
