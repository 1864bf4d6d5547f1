/** What the network can refuse to a program, and the sentences that say on which hop, what happened and what to do. */

import { CodedError, type StreamErrorCode, type StreamRecord } from "@wirebook/protocol";
import { describeHostPort, type HostPort } from "./addresses.ts";
import type { Target } from "./target.ts";

/** `busy` is the gateway's own. */
export type ExchangeErrorCode = Exclude<StreamErrorCode, "busy">;

/** The network's fault: the message says on which hop, what happened and what to do. */
export class ExchangeError extends CodedError<ExchangeErrorCode> {
  override readonly name = "ExchangeError";
}

/** A program cannot listen where it was told to. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** What typed text, or a file that it names, has wrong. */
export class InputError extends Error {
  override readonly name = "InputError";
}

export function connectTimeout(target: Target, timeoutMs: number, { at }: StreamRecord): ExchangeError {
  const sentence =
    at.established === undefined
      ? `did not accept the connection within ${timeoutMs} ms; check the address, and that no firewall is between`
      : `accepted the connection but did not finish the TLS handshake within ${timeoutMs} ms; check that this port speaks TLS`;
  return new ExchangeError("connect-timeout", `${placeOf(target)} ${sentence}`);
}

export function replyTimeout(target: Target, timeoutMs: number, receivedBytes: number): ExchangeError {
  const sentence =
    receivedBytes === 0
      ? `sent nothing for ${timeoutMs} ms; it may be hung, busy with others, or waiting for the message to end`
      : `sent ${receivedBytes} ${receivedBytes === 1 ? "byte" : "bytes"}, then nothing for ${timeoutMs} ms, and kept the connection open; its reply may be whole, or cut off`;
  return new ExchangeError("reply-timeout", `${placeOf(target)} ${sentence}`);
}

/** What the codes of the system, of OpenSSL and of Node mean to people; the first that fits counts. */
type Codes = readonly (readonly [RegExp, keyof typeof failures])[];

const connectCodes: Codes = [
  [/ECONNRESET/, "connection-reset"],
  [/ECONNREFUSED/, "connect-refused"],
  [/ETIMEDOUT/, "connect-timeout"],
  [/^/, "connect-failed"],
];

const tlsCodes: Codes = [
  [/^CERT_HAS_EXPIRED$/, "tls-expired"],
  [/^CERT_NOT_YET_VALID$/, "tls-not-yet-valid"],
  [/^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/, "tls-wrong-host"],
  [/^DEPTH_ZERO_SELF_SIGNED_CERT$/, "tls-self-signed"],
  [/^(UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|SELF_SIGNED_CERT_IN_CHAIN|CERT_UNTRUSTED)/, "tls-unknown-authority"],
  [/PROTOCOL|WRONG_SSL_VERSION/, "tls-no-common-protocol"],
  // Alerts about a certificate (RFC 8446, section 6.2) come from the target: they are about this end's. In TLS 1.2 the
  // one for a certificate that is missing also stands for a cipher that is not shared, which is far less likely.
  [/ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/, "tls-client-certificate"],
  [/^/, "tls-failed"],
];

const failures = {
  "connect-failed": "cannot reach WHERE (WHY); check the name or the address, and who may use it",
  "connect-refused": "nothing listens on WHERE; start the server or name another address",
  "connect-timeout": "WHERE did not answer (WHY); check the address, and that no firewall is between",
  "connection-reset": "WHERE broke the connection after BYTES bytes of its reply (WHY); try again, or look at its log",
  "tls-expired": "the certificate of WHERE has expired; renew it there, or set the clock of this machine",
  "tls-not-yet-valid": "the certificate of WHERE is not valid yet; set the clock of that machine or of this one",
  "tls-wrong-host":
    "the certificate of WHERE is for another name; check the address, or name one of its names with servername=",
  "tls-self-signed": "WHERE signed its certificate itself; trust it with ca=FILE, or give it one of a known authority",
  "tls-unknown-authority":
    "the certificate of WHERE is from an authority that is not known here (WHY); trust it with ca=FILE, or let the server send its whole chain",
  "tls-no-common-protocol":
    "WHERE speaks no TLS version or application protocol that this end offers (WHY); it needs TLS 1.2 or later, and the protocol that alpn= names",
  "tls-client-certificate":
    "WHERE wants a client certificate that it trusts (WHY); name one with cert=FILE and key=FILE",
  "tls-failed": "the TLS handshake with WHERE failed (WHY); check that this port speaks TLS",
} as const satisfies Partial<Record<ExchangeErrorCode, string>>;

/** What the socket's own error means, given how far the stream had come. */
export function explain(
  error: Error,
  target: Target,
  { at, receivedBytes }: Pick<StreamRecord, "at" | "receivedBytes">,
): ExchangeError {
  const why = codesOf(error).join(", ") || error.message;
  const isTls = target.address.transport === "tls" && at.established !== undefined;
  let [, code] = (isTls ? tlsCodes : connectCodes).find(([codes]) => codes.test(why)) as Codes[number];
  // After a handshake, what is no TLS breaks the connection; but in TLS 1.3 the target judges a client's certificate then.
  const isReady = isTls ? at.secured !== undefined && code === "tls-failed" : at.established !== undefined;
  if (isReady) code = "connection-reset";
  const values: Readonly<Record<string, string>> = { WHERE: placeOf(target), WHY: why, BYTES: String(receivedBytes) };
  const message = failures[code].replaceAll(/WHERE|WHY|BYTES/g, (name) => values[name] ?? "");
  return new ExchangeError(code, message, { cause: error });
}

/** A target as its errors name it. The path of a Unix socket is no page's business. */
function placeOf({ name, address }: Target): string {
  return address.transport === "unix" ? `the local socket of ${name}` : describeHostPort(address);
}

interface ListenPlace extends HostPort {
  /** Names the setting that says it, with a value as it is typed there: `--port 5017`. */
  readonly nameOf: (setting: "host" | "port", value?: number) => string;
}

/** What the system's own error means when a program wants to listen, with the setting that helps. */
export function toListenError(error: NodeJS.ErrnoException, { host, port, nameOf }: ListenPlace): ListenError {
  const { code = error.message } = error;
  // Not the next one: another Wirebook, which may have this port, has 5008 beside its 5007.
  const other = port + 10 <= 65_535 ? port + 10 : port - 10;
  const sentence =
    code === "EADDRINUSE"
      ? `port ${port} of ${host} is in use, perhaps by another Wirebook; stop that program or choose another port: ${nameOf("port", other)}`
      : `cannot listen on port ${port} of ${host} (${code}); choose an address of this machine with ${nameOf("host")}, and a port from 1024 on with ${nameOf("port")}`;
  return new ListenError(sentence, { cause: error });
}

/** A host name with several addresses gives an AggregateError, whose own code is only that of the first address. */
function codesOf(error: Error): string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const codes = errors.map((each) => (each as NodeJS.ErrnoException).code).filter((code) => code !== undefined);
  return [...new Set(codes)];
}
