/** What the network can refuse to a program, and the sentences that say on which hop, what happened and what to do. */

import type { StreamErrorCode, StreamRecord } from "@wirebook/protocol";
import { describeHostPort } from "./addresses.ts";
import type { HostPort } from "./addresses.ts";
import type { Target } from "./target.ts";

/** Why a stream failed. `busy` is the gateway's own. */
export type ExchangeErrorCode = Exclude<StreamErrorCode, "busy">;

type TlsErrorCode = Extract<ExchangeErrorCode, `tls-${string}`>;

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

/** The connection was not ready in time. */
export function connectTimeout(target: Target, timeoutMs: number, { at }: StreamRecord): ExchangeError {
  const sentence =
    at.established === undefined
      ? `did not accept the connection within ${timeoutMs} ms; check the address, and that no firewall is between`
      : `accepted the connection but did not finish the TLS handshake within ${timeoutMs} ms; check that this port speaks TLS`;
  return new ExchangeError("connect-timeout", `${placeOf(target)} ${sentence}`);
}

/** The target was silent for too long, after it had sent so many bytes. */
export function replyTimeout(target: Target, timeoutMs: number, receivedBytes: number): ExchangeError {
  const where = placeOf(target);
  const sentence =
    receivedBytes === 0
      ? `${where} sent nothing for ${timeoutMs} ms; it may be hung, busy with others, or waiting for the message to end`
      : `${where} sent ${receivedBytes} ${receivedBytes === 1 ? "byte" : "bytes"}, then nothing for ${timeoutMs} ms, and kept the connection open; its reply may be whole, or cut off`;
  return new ExchangeError("reply-timeout", sentence);
}

/** What the socket's own error means, given how far the stream had come. */
export function explain(
  error: Error,
  target: Target,
  { at, receivedBytes }: Pick<StreamRecord, "at" | "receivedBytes">,
): ExchangeError {
  const { address } = target;
  const where = placeOf(target);
  const codes = codesOf(error);
  const why = codes.length > 0 ? codes.join(", ") : error.message;
  const because = (code: ExchangeErrorCode, sentence: string): ExchangeError =>
    new ExchangeError(code, sentence, { cause: error });
  if (address.transport === "tls" && at.established !== undefined) {
    const code = tlsCodeOf(why);
    // A handshake that breaks off has a system's code. After it, what is no TLS breaks the connection, and no handshake;
    // but in TLS 1.3 the target judges a client's certificate only then.
    if (at.secured === undefined || (code !== undefined && code !== "tls-failed")) {
      return because(code ?? "tls-failed", explainTls(code ?? "tls-failed", where, why, address.cert !== undefined));
    }
  }
  if (at.established !== undefined) {
    return because(
      "connection-reset",
      `${where} broke the connection after ${receivedBytes} bytes of its reply (${why}); try again`,
    );
  }
  if (codes.includes("ECONNRESET")) {
    const sentence = `${where} accepted the connection and broke it at once (${why}); look at the log of that service`;
    return because("connection-reset", sentence);
  }
  if (address.transport === "unix") return because(...explainUnix(target.name, why));
  if (codes.includes("ECONNREFUSED")) {
    return because("connect-refused", `nothing listens on ${where}; start the server or name another address`);
  }
  if (codes.includes("ETIMEDOUT")) {
    const sentence = `${where} did not answer (${why}); check the address, and that no firewall is between`;
    return because("connect-timeout", sentence);
  }
  if (codes.includes("ENOTFOUND") || codes.includes("EAI_AGAIN")) {
    const sentence = `the host name ${address.host} is not known (${why}); check its spelling and the network`;
    return because("connect-failed", sentence);
  }
  return because("connect-failed", `cannot reach ${where} (${why}); check the address`);
}

/** A target as its errors name it. The path of a Unix socket is no page's business. */
function placeOf({ name, address }: Target): string {
  return address.transport === "unix" ? name : describeHostPort(address);
}

function explainUnix(name: string, why: string): [ExchangeErrorCode, string] {
  const sentences: Readonly<Record<string, string>> = {
    ECONNREFUSED: `nothing listens on the local socket of ${name}; start that service`,
    ENOENT: `the local socket of ${name} is not there (ENOENT); start that service, or correct its path`,
    EACCES: `this program may not open the local socket of ${name} (EACCES); give its user access`,
    EAGAIN: `${name} accepts no more connections now (EAGAIN); try again in a moment`,
  };
  const sentence = sentences[why] ?? `cannot reach the local socket of ${name} (${why}); check its path`;
  return [why === "ECONNREFUSED" ? "connect-refused" : "connect-failed", sentence];
}

/** Codes of OpenSSL and of Node by what they mean to people; the first that fits counts. */
const tlsCodes: readonly (readonly [RegExp, TlsErrorCode])[] = [
  [/^CERT_HAS_EXPIRED$/, "tls-expired"],
  [/^CERT_NOT_YET_VALID$/, "tls-not-yet-valid"],
  [/^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/, "tls-wrong-host"],
  [/^DEPTH_ZERO_SELF_SIGNED_CERT$/, "tls-self-signed"],
  [
    /^(UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)|SELF_SIGNED_CERT_IN_CHAIN|CERT_UNTRUSTED)/,
    "tls-unknown-authority",
  ],
  [/PROTOCOL|WRONG_SSL_VERSION/, "tls-no-common-protocol"],
  // Alerts about a certificate (RFC 8446, section 6.2) come from the target: they are about this end's. In TLS 1.2 the
  // one for a certificate that is missing also stands for a cipher that is not shared, which is far less likely.
  [/ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/, "tls-client-certificate"],
  [/^(ERR_SSL|ERR_TLS|EPROTO|CERT_|INVALID_)/, "tls-failed"],
];

function tlsCodeOf(why: string): TlsErrorCode | undefined {
  return tlsCodes.find(([pattern]) => pattern.test(why))?.[1];
}

function explainTls(code: TlsErrorCode, where: string, why: string, hasCertificate: boolean): string {
  const sentences: Readonly<Record<TlsErrorCode, string>> = {
    "tls-expired": `the certificate of ${where} has expired; renew it there, or set the clock of this machine`,
    "tls-not-yet-valid": `the certificate of ${where} is not valid yet; set the clock of that machine or of this one`,
    "tls-wrong-host": `the certificate of ${where} is for another name; check the address, or name one of its names with servername=`,
    "tls-self-signed": `${where} signed its certificate itself; trust it with ca=FILE, or give it one of a known authority`,
    "tls-unknown-authority": `the certificate of ${where} is from an authority that is not known here (${why}); trust it with ca=FILE, or let the server send its whole chain`,
    "tls-no-common-protocol": `${where} speaks no TLS version or application protocol that this end offers (${why}); it needs TLS 1.2 or later, and the protocol that alpn= names`,
    "tls-client-certificate": hasCertificate
      ? `${where} refused the client certificate (${why}); name one that it trusts with cert= and key=`
      : `${where} ended the handshake, most likely since it wants a client certificate (${why}); name one with cert=FILE and key=FILE`,
    "tls-failed": `the TLS handshake with ${where} failed (${why}); check that this port speaks TLS`,
  };
  return sentences[code];
}

/** What the system's own error means when a program wants to listen, with the option that helps. */
export function toListenError(error: NodeJS.ErrnoException, { host, port }: HostPort): ListenError {
  const other = port < 65_535 ? port + 1 : port - 1;
  const noAddress = `${host} is not an address of this machine; choose one with --host, such as 127.0.0.1`;
  const sentences: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is in use, perhaps by another Wirebook; stop that program or choose another port: --port ${other}`,
    EACCES: `this user may not listen on port ${port} of ${host}; choose a port from 1024 on with --port`,
    EADDRNOTAVAIL: noAddress,
    ENOTFOUND: noAddress,
  };
  const { code = error.message } = error;
  const otherwise = `cannot listen on port ${port} of ${host} (${code}); choose others with --host and --port`;
  return new ListenError(sentences[code] ?? otherwise, { cause: error });
}

/** A host name with several addresses gives an AggregateError, whose own code is only that of the first address. */
function codesOf(error: Error): string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const codes = errors.map((each) => (each as NodeJS.ErrnoException).code).filter((code) => code !== undefined);
  return [...new Set(codes)];
}
