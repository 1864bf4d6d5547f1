/** What the network can refuse to a program, and the sentences that say on which hop, what happened and what to do. */

import { describeTarget } from "./addresses.ts";
import type { Target } from "./addresses.ts";
import type { Trace } from "./trace.ts";

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

/** A program cannot listen where it was told to. The message says why and what to type instead. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** The connection was not established in time. */
export function connectTimeout(target: Target, timeoutMs: number): ExchangeError {
  const where = describeTarget(target);
  return new ExchangeError(
    "connect-timeout",
    `${where} did not accept the connection within ${timeoutMs} ms; check the address, and that no firewall is between`,
  );
}

/** The server was silent for too long, after it had sent so many bytes. */
export function replyTimeout(target: Target, timeoutMs: number, receivedBytes: number): ExchangeError {
  const where = describeTarget(target);
  const sentence =
    receivedBytes === 0
      ? `${where} sent nothing for ${timeoutMs} ms; it may be hung, busy with others, or waiting for the message to end`
      : `${where} sent ${receivedBytes} ${receivedBytes === 1 ? "byte" : "bytes"}, then nothing for ${timeoutMs} ms, and kept the connection open; its reply may be whole, or cut off`;
  return new ExchangeError("reply-timeout", sentence);
}

/** What the socket's own error means, given how far the exchange had come. */
export function explain(error: Error, target: Target, trace: Trace): ExchangeError {
  const where = describeTarget(target);
  const codes = codesOf(error);
  const why = codes.length > 0 ? codes.join(", ") : error.message;
  const cause = { cause: error };
  if (trace.at.established !== undefined) {
    const sentence = `${where} broke the connection after ${trace.receivedBytes} bytes of its reply (${why}); try again`;
    return new ExchangeError("connection-reset", sentence, cause);
  }
  if (codes.includes("ECONNREFUSED")) {
    const sentence = `nothing listens on ${where}; start the server or name another address`;
    return new ExchangeError("connect-refused", sentence, cause);
  }
  if (codes.includes("ETIMEDOUT")) {
    const sentence = `${where} did not answer (${why}); check the address, and that no firewall is between`;
    return new ExchangeError("connect-timeout", sentence, cause);
  }
  if (codes.includes("ENOTFOUND") || codes.includes("EAI_AGAIN")) {
    const sentence = `the host name ${target.host} is not known (${why}); check its spelling and the network`;
    return new ExchangeError("connect-failed", sentence, cause);
  }
  return new ExchangeError("connect-failed", `cannot reach ${where} (${why}); check the address`, cause);
}

/** What the system's own error means when a program wants to listen, with the option that helps. */
export function toListenError(error: NodeJS.ErrnoException, { host, port }: Target): ListenError {
  return new ListenError(describeListenError(error, host, port), { cause: error });
}

function describeListenError({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE": {
      const other = port < 65_535 ? port + 1 : port - 1;
      return `port ${port} of ${host} is in use, perhaps by another Wirebook; stop that program or choose another port: --port ${other}`;
    }
    case "EACCES":
      return `this user may not listen on port ${port} of ${host}; choose a port from 1024 on with --port`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine; choose one with --host, such as 127.0.0.1`;
    case undefined:
    default:
      return `cannot listen on port ${port} of ${host} (${code ?? message}); choose others with --host and --port`;
  }
}

/** A host name with several addresses gives an AggregateError, whose own code is only that of the first address. */
function codesOf(error: Error): string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const codes = errors.map((each) => (each as NodeJS.ErrnoException).code).filter((code) => code !== undefined);
  return [...new Set(codes)];
}
