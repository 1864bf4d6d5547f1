import { HistoryError, UsersError } from "@wirebook/history";
import type { HistoryErrorCode, UsersErrorCode } from "@wirebook/history";
import { ProtocolError } from "@wirebook/protocol";
import type { ProtocolErrorCode } from "@wirebook/protocol";
import { ServerError, stopping } from "../errors.ts";
import type { ServerErrorCode } from "../errors.ts";

/** What a request can fail with, as the peer and the log are told. */
export interface ErrorResponse {
  readonly code: ProtocolErrorCode | HistoryErrorCode | UsersErrorCode | ServerErrorCode | "internal";
  /** What the peer reads behind `Error: ` [W-14]. */
  readonly sentence: string;
  /** What only the operator should read: it may name files. */
  readonly detail?: string;
}

/** What to answer for an error that a request ended in. An unknown error is the server's own and tells the peer little. */
export function toErrorResponse(error: unknown): ErrorResponse {
  if (error instanceof ProtocolError || error instanceof ServerError) {
    return { code: error.code, sentence: error.message };
  }
  if (error instanceof HistoryError) return fromHistoryError(error);
  if (error instanceof UsersError) return fromUsersError(error);
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "internal", sentence: "the server failed at this request; its operator can read why", detail };
}

function fromHistoryError({ code, message }: HistoryError): ErrorResponse {
  switch (code) {
    case "line-changed":
    case "no-such-line":
    case "range":
      return { code, sentence: message };
    case "storage-full":
      return {
        code,
        sentence: "the disk of the history is full and nothing was done; try again when its operator has made room",
        detail: message,
      };
    case "storage-failed":
    case "in-use":
      return {
        code,
        sentence: "the storage of the history failed and nothing is acknowledged; tell its operator, who can read why",
        detail: message,
      };
    case "storage-unavailable":
      return {
        code,
        sentence: "the cluster of the history does not answer; look at the history before you send the message again",
        detail: message,
      };
    case "closed":
      return { code: "stopping", sentence: stopping().message };
  }
}

function fromUsersError({ code, message }: UsersError): ErrorResponse {
  switch (code) {
    case "name-taken":
    case "no-such-user":
    case "users-max":
      return { code, sentence: message };
    case "users-busy":
    case "users-failed":
      return {
        code,
        sentence:
          "the users could not be changed and nothing was done; tell the operator of the server, who can read why",
        detail: message,
      };
  }
}
