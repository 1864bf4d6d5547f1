import { CodedError } from "@wirebook/protocol";

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

export type ServerErrorCode = (typeof serverErrorCodes)[number];

/** Not the message's fault: there is no room or no time, or a proxy does not say for whom it connects. The message is a sentence that may be sent to the peer. */
export class ServerError extends CodedError<ServerErrorCode> {
  override readonly name = "ServerError";
}

/** The error of a request to a server that is about to stop. */
export function stopping(): ServerError {
  return new ServerError("stopping", "the server is stopping; send the message again in a moment");
}
