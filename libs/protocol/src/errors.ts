/** What a peer can do wrong; docs/protocol.md lists each code with the sentence a user reads. */
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

/** A code of that list. */
export type ProtocolErrorCode = (typeof protocolErrorCodes)[number];

/** The peer's fault: tell it, close it, go on. The message is a whole sentence that may be sent to the peer. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
