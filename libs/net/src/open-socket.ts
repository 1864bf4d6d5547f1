/**
 * How the socket to a target is opened, with TLS over TCP where the target wants it, and how it is broken off. A certificate is
 * always verified, against the target's authorities or those of Node, and against the name of the host.
 */

import { connect, isIP, isIPv4, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { cutText, type StreamRecord, type TlsFacts } from "@wirebook/protocol";
import { endpointOf } from "./addresses.ts";
import type { Target, TargetAddress, TlsAddress } from "./target.ts";

/** Milliseconds of silence after which the kernel asks whether a target that may be silent still lives. */
const keepAliveDelayMs = 30_000;

/**
 * Milliseconds after which the next address of a name is tried, in place of the one before. Node gives up an attempt then,
 * so it covers a slow link and one SYN that was lost (1 s); Node's own 250 ms do not.
 */
const attemptTimeoutMsMax = 2000;

/** Addresses of a name that are tried within the time for the connection, whatever that is. */
const attemptsAtLeast = 3;

/** Characters of a name in a certificate that are kept; the target chooses them. */
const certificateNameCharactersMax = 256;

export interface TargetOptions {
  readonly connectTimeoutMs: number;
  /** True to let the kernel find out whether a silent target still lives. */
  readonly isKeptAlive: boolean;
  /** How the socket is read, where TLS does not read it. */
  readonly onread: OnReadOpts;
  /** Goes first, before TLS. Where there is no TLS the owner writes it, in one segment with what follows. */
  readonly proxyHeader: Uint8Array | undefined;
  readonly record: StreamRecord;
  /** Bytes are read and written at this socket: the one that was returned, or TLS over it. */
  readonly onReady: (socket: Socket) => void;
  readonly onError: (error: Error) => void;
}

/** Returns the TCP or Unix socket. */
export function connectTarget({ address }: Target, options: TargetOptions): Socket {
  const { record, proxyHeader, onReady, onError } = options;
  record.mark("connecting", performance.now());
  const socket = openSocket(address, options);
  socket.on("error", onError);
  socket.on("connect", () => {
    record.mark("established", performance.now());
    if (address.transport === "unix") return onReady(socket);
    record.local = endpointOf(socket.localAddress, socket.localPort);
    // An IPv4 address has one spelling and is the one that was reached, so the kernel need not be asked.
    record.remote = isIPv4(address.host)
      ? { address: address.host, port: address.port }
      : endpointOf(socket.remoteAddress, socket.remotePort);
    if (address.transport === "tcp") return onReady(socket);
    if (proxyHeader !== undefined) socket.write(proxyHeader);
    openTls(socket, address, options);
  });
  return socket;
}

function openSocket(address: TargetAddress, { connectTimeoutMs, isKeptAlive, onread }: TargetOptions): Socket {
  if (address.transport === "unix") return connect({ path: address.path, allowHalfOpen: true, onread });
  return connect({
    host: address.host,
    port: address.port,
    allowHalfOpen: true,
    onread: address.transport === "tls" ? undefined : onread,
    keepAlive: isKeptAlive,
    keepAliveInitialDelay: keepAliveDelayMs,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.ceil(Math.min(attemptTimeoutMsMax, connectTimeoutMs / attemptsAtLeast)),
  });
}

/** Authorities and keys of each target, prepared once for all its connections. */
const contexts = new WeakMap<TlsAddress, SecureContext>();

function openTls(socket: Socket, address: TlsAddress, { record, onReady, onError }: TargetOptions): void {
  const { host, servername = isIP(host) > 0 ? "" : host, alpn, ca, cert, key } = address;
  const secureContext = contexts.get(address) ?? createSecureContext({ ca, cert, key, minVersion: "TLSv1.2" });
  contexts.set(address, secureContext);
  const secure = connectTls({
    socket,
    // What the certificate is verified against when there is no server name.
    host,
    servername,
    secureContext,
    rejectUnauthorized: true,
    ...(alpn !== undefined && { ALPNProtocols: [alpn] }),
  });
  secure.on("error", onError);
  secure.on("secureConnect", () => {
    record.mark("secured", performance.now());
    record.tls = tlsFactsOf(secure);
    onReady(secure);
  });
}

function tlsFactsOf(socket: TLSSocket): TlsFacts {
  const certificate = socket.getPeerX509Certificate();
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher().standardName,
    alpn: socket.alpnProtocol || null,
    peer: {
      subject: nameOf(certificate?.subject || certificate?.subjectAltName),
      issuer: nameOf(certificate?.issuer),
      validFrom: certificate?.validFromDate.toISOString() ?? "",
      validTo: certificate?.validToDate.toISOString() ?? "",
    },
  };
}

/** Node writes each part of a name on a line of its own. */
function nameOf(lines = ""): string {
  return cutText(lines.replaceAll("\n", ", "), certificateNameCharactersMax);
}

/**
 * Closes a connection at once by RST (RFC 9293, section 3.10.5, the ABORT call), also while it is being ended.
 *
 * Node hands a FIN to libuv in one turn and learns in a later one that it was sent. Between the two, libuv refuses to
 * reset, and Node, which has dropped its handle by then, would never close the descriptor.
 *
 * @param written TLS over the socket, where bytes are written to that
 */
export function abort(socket: Socket, written: Socket = socket): void {
  const isFinOnItsWay = written.writableEnded && !written.writableFinished && written.writableLength === 0;
  // There is no connection yet that could be reset.
  if (socket.connecting) socket.destroy();
  else if (isFinOnItsWay) written.once("finish", () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
