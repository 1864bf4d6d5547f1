/** What the errors of a socket mean to somebody who wants to reach a server. */

import type { Endpoint } from "@wirebook/protocol";
import { ExchangeError } from "./errors.ts";
import type { Trace } from "./trace.ts";

/** The server to speak to. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:5007`, or `[::1]:5007` where the colons would run together. */
export function describeTarget({ host, port }: Target): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `describeTarget` for one end of a connection. */
export function describeEndpoint({ address, port }: Endpoint): string {
  return describeTarget({ host: address, port });
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

/** A host name with several addresses gives an AggregateError, whose own code is only that of the first address. */
function codesOf(error: Error): string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const codes = errors.map((each) => (each as NodeJS.ErrnoException).code).filter((code) => code !== undefined);
  return [...new Set(codes)];
}
