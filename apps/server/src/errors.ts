import { HistoryError, UsersError, type HistoryErrorCode, type UsersErrorCode } from "@wirebook/history";
import { CodedError, ProtocolError, type ProtocolErrorCode } from "@wirebook/protocol";

/** Why a server that is well refuses something; docs/reference/errors.md lists each code with the sentence a user reads. */
export const serverErrorCodes = [
  "address-max",
  "connections-max",
  "followers-max",
  "guesses-max",
  "no-archive",
  "not-ready",
  "proxy-header",
  "role-lacking",
  "stopping",
] as const;

type ServerErrorCode = (typeof serverErrorCodes)[number];

/** Not the message's fault: there is no room, no time, no right. The message is a sentence that may be sent to the peer. */
export class ServerError extends CodedError<ServerErrorCode> {
  override readonly name = "ServerError";
}

export function stopping(): ServerError {
  return new ServerError("stopping", "the server is stopping; send the message again in a moment");
}

/** What a request can fail with, as the peer and the log are told. */
export interface ErrorResponse {
  readonly code: ProtocolErrorCode | HistoryErrorCode | UsersErrorCode | ServerErrorCode | "internal";
  /** What the peer reads behind `Error: ` [W-14]. */
  readonly sentence: string;
  /** What only the operator should read: it may name files. */
  readonly detail?: string;
}

const storageFailed =
  "the storage of the history failed, so this is not acknowledged; tell its operator, who can read why";
const usersUnchanged =
  "the users could not be changed and nothing was done; tell the operator of the server, who can read why";

/** What the peer is told where the error's own message may name files, and so is the operator's. */
const sentences: Partial<Record<HistoryErrorCode | UsersErrorCode, string>> = {
  "storage-full": "the disk of the history is full and nothing was done; try again when its operator has made room",
  "storage-failed": storageFailed,
  "in-use": storageFailed,
  "storage-unavailable":
    "the cluster of the history does not answer; look at the history before you send the message again",
  "users-busy": usersUnchanged,
  "users-failed": usersUnchanged,
};

/** What to answer for an error that a request ended in. An unknown error is the server's own and tells the peer little. */
export function toErrorResponse(error: unknown): ErrorResponse {
  if (error instanceof ProtocolError || error instanceof ServerError) {
    return { code: error.code, sentence: error.message };
  }
  if (error instanceof HistoryError || error instanceof UsersError) {
    const { code, message } = error;
    if (code === "closed") return toErrorResponse(stopping());
    const sentence = sentences[code];
    return sentence === undefined ? { code, sentence: message } : { code, sentence, detail: message };
  }
  return {
    code: "internal",
    sentence: "the server failed at this request; its operator can read why",
    detail: String(error instanceof Error ? error.stack : error),
  };
}
