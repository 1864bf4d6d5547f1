/** Why an exchange failed. */
export type ExchangeErrorCode =
  "connect-failed" | "connect-refused" | "connect-timeout" | "connection-reset" | "reply-timeout";

/** The network's fault: the message says on which hop, what happened and what to do. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
  readonly code: ExchangeErrorCode;

  constructor(code: ExchangeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
