/** An error of one family, with a code by which programs tell it from the others. */
export class CodedError<Code extends string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a peer can do wrong; docs/reference/errors.md lists each code with the sentence a user reads. */
export const protocolErrorCodes = [
  "argument-count",
  "argument-range",
  "argument-syntax",
  "http",
  "message-empty",
  "message-encoding",
  "message-too-long",
  "message-unfinished",
  "message-unterminated",
  "operation-unknown",
  "user-syntax",
] as const;

export type ProtocolErrorCode = (typeof protocolErrorCodes)[number];

/** The peer's fault: tell it, close it, go on. The message is a whole sentence that may be sent to the peer. */
export class ProtocolError extends CodedError<ProtocolErrorCode> {
  override readonly name = "ProtocolError";
}
