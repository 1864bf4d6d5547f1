export { HistoryError, historyErrorCodes } from "./errors.ts";
export type { HistoryErrorCode } from "./errors.ts";
export type { FileHistoryOptions } from "./file/options.ts";
export { openFileHistory } from "./file/open.ts";
export { openFileUsers } from "./file/users/file-users.ts";
export type { Actor, Asked, Extent, Feed, History, Range, Recorded, Snapshot, Written } from "./history.ts";
export { UsersError, usersErrorCodes } from "./users.ts";
export type { User, Users, UsersErrorCode } from "./users.ts";
