export { HistoryError, historyErrorCodes, lineChanged, noSuchLine } from "./errors.ts";
export type { HistoryErrorCode } from "./errors.ts";
export type { FileHistoryOptions } from "./file/options.ts";
export { openFileHistory } from "./file/open.ts";
export { openFileUsers } from "./file/file-users.ts";
export { readUsersCopy, writeUsersCopy } from "./file/file-users.ts";
export { readChunkBytesDefault } from "./history.ts";
export type {
  Actor,
  Archived,
  RequestEntry,
  HistorySize,
  Feed,
  History,
  Range,
  Recorded,
  Snapshot,
  AppendResult,
} from "./history.ts";
export { assertRoomForUser, nameTaken, noSuchUser, UsersError, usersErrorCodes, usersMax } from "./users.ts";
export type { User, Users, UsersErrorCode } from "./users.ts";
export { resolveFollow, resolveRange } from "./range.ts";
export type { Positions } from "./range.ts";
