/**
 * A target: a service that the operator has given a name, and how it is reached.
 *
 *     NAME=tcp://host:port
 *     NAME=tls://host:port?ca=FILE&servername=NAME&alpn=PROTO&cert=FILE&key=FILE
 *     NAME=unix:/path/to/socket
 *
 * `?proxy=v2` on any of them puts a PROXY header before everything else. Hosts, paths and values are percent-decoded; `+`
 * stands for itself. A parameter that is unknown here is a mistake, since it may be one that was to make something safe.
 * Files are read once, when the program starts. The texts for people never show the path of a socket or of a file.
 */

import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { quotedCharactersMax } from "@wirebook/protocol";
import { describeHostPort } from "./addresses.ts";
import type { HostPort } from "./addresses.ts";
import { PemError, readCertificates, readKeyPair } from "./pem.ts";

/** A TLS service. Its certificate is always verified. */
export interface TlsAddress extends HostPort {
  readonly transport: "tls";
  /** The name that the certificate must have and that SNI tells, where it is not the host. */
  readonly servername?: string;
  /** The protocol that is offered (RFC 7301). */
  readonly alpn?: string;
  /** The authorities that are trusted instead of the usual ones, in PEM form. */
  readonly ca?: Buffer;
  /** The certificate of this client and its key, in PEM form; both or neither. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export type TargetAddress =
  ({ readonly transport: "tcp" } & HostPort) | TlsAddress | { readonly transport: "unix"; readonly path: string };

export interface Target {
  readonly name: string;
  readonly address: TargetAddress;
  /** The version of the PROXY header that goes first; `undefined` for none. */
  readonly proxy: "v2" | undefined;
}

/** What was typed is no target. The message says why, and what to type instead. */
export class TargetError extends Error {
  override readonly name = "TargetError";
}

/** Bytes of the path of a Unix socket: `sun_path` has 108, and the last of them is 0. */
const socketPathBytesMax = 107;

const forms = "tcp://host:port, tls://host:port or unix:/path";

const parametersOf = {
  tcp: ["proxy"],
  tls: ["ca", "servername", "alpn", "cert", "key", "proxy"],
  unix: ["proxy"],
} as const;

/** Values of a URL by parameter, percent-decoded. */
type Parameters = ReadonlyMap<string, string>;

export function tcpTarget(name: string, { host, port }: HostPort): Target {
  return { name, address: { transport: "tcp", host, port }, proxy: undefined };
}

/** What people may see of a target: `mail (tls, imap.example:993)`. */
export function describeTarget({ name, address }: Target): string {
  const how = address.transport === "unix" ? "local socket" : `${address.transport}, ${describeHostPort(address)}`;
  return `${name} (${how})`;
}

/** True when the target is reached by rights of this program's own: those of its user, or of its client certificate. */
export function lendsRights({ address }: Target): boolean {
  return address.transport === "unix" || (address.transport === "tls" && address.cert !== undefined);
}

/**
 * Reads `NAME=URL`.
 *
 * @throws TargetError
 */
export function parseTarget(text: string): Target {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(at, 0));
  if (at < 0 || name.includes(":"))
    throw new TargetError(`${quote(text)} has no name; type NAME=URL, such as mail=tls://imap.example:993`);
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) {
    throw new TargetError(
      `${quote(name)} is not a target's name; type up to 32 small letters, digits and hyphens, not a hyphen first`,
    );
  }
  try {
    return { name, ...parseTargetUrl(text.slice(at + 1)) };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    throw new TargetError(`target ${name}: ${error.message}`, { cause: error });
  }
}

/**
 * Reads the URL of a target.
 *
 * @throws TargetError
 */
export function parseTargetUrl(url: string): Omit<Target, "name"> {
  if (url.includes("#"))
    throw new TargetError(`${quote(url)} has a fragment; leave out # and what follows, or type %23`);
  const [, scheme = "", place = "", query] = /^([^:/?]*):([^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
  if (scheme !== "tcp" && scheme !== "tls" && scheme !== "unix") {
    throw new TargetError(`${quote(url)} has no scheme that is known here; type ${forms}`);
  }
  const parameters = parseParameters(scheme, query);
  const proxy = parameters.get("proxy");
  if (proxy !== undefined && proxy !== "v2") {
    throw new TargetError(
      `proxy=${cut(proxy)} is not a version of the PROXY protocol that is known here; type proxy=v2`,
    );
  }
  if (scheme === "unix") return { address: { transport: scheme, path: parseSocketPath(place) }, proxy };
  const hostPort = parseHostPort(scheme, place);
  if (scheme === "tcp") return { address: { transport: scheme, ...hostPort }, proxy };
  return { address: { transport: scheme, ...hostPort, ...readTlsParameters(parameters) }, proxy };
}

function parseParameters(scheme: keyof typeof parametersOf, query: string | undefined): Parameters {
  const parameters = new Map<string, string>();
  const known: readonly string[] = parametersOf[scheme];
  for (const part of query === undefined ? [] : query.split("&")) {
    const [name = "", ...rest] = part.split("=");
    const value = decode(rest.join("="));
    if (!known.includes(name)) {
      throw new TargetError(`${quote(name)} is not a parameter of ${scheme}; type ${known.join(", ")} or leave it out`);
    }
    if (value === "" || parameters.has(name)) {
      throw new TargetError(`the parameter ${name} needs one value; type ${name}=… once, or leave it out`);
    }
    parameters.set(name, value);
  }
  return parameters;
}

function parseHostPort(scheme: string, place: string): HostPort {
  const form = `type ${scheme}://host:port`;
  // What stands before the @ may be a password, so it is not repeated.
  if (place.includes("@")) throw new TargetError(`the URL has a user name before @; ${form} without it`);
  const [, six, plain = "", portText] = /^\/\/(?:\[([^\]]*)\]|([^:[\]/]*)):(\d{1,5})$/.exec(place) ?? [];
  const host = six === undefined ? domainToASCII(decode(plain)) : decode(six);
  const isHost = six === undefined ? host !== "" && host.length <= 253 : isIP(host) === 6;
  const port = Number(portText);
  if (isHost && port >= 1 && port <= 65_535) return { host, port };
  throw new TargetError(
    `${quote(`${scheme}:${place}`)} is not a host and a port from 1 to 65535; ${form}, an IPv6 address in brackets`,
  );
}

function parseSocketPath(place: string): string {
  const path = decode(place.startsWith("///") ? place.slice(2) : place);
  if (!/^\/(?!\/)[^\0]*$/.test(path)) {
    throw new TargetError(`${quote(path)} is not the absolute path of a socket; type unix:/path/to/socket`);
  }
  const bytes = Buffer.byteLength(path);
  if (bytes > socketPathBytesMax) {
    throw new TargetError(
      `the path of ${bytes} bytes to the Unix socket is over the limit of ${socketPathBytesMax}; use a shorter one, such as a symbolic link`,
    );
  }
  return path;
}

function readTlsParameters(parameters: Parameters): Omit<TlsAddress, "transport" | keyof HostPort> {
  const [ca, servername, alpn, cert, key] = parametersOf.tls.map((name) => parameters.get(name));
  if (servername !== undefined && (isIP(servername) > 0 || domainToASCII(servername) === "")) {
    throw new TargetError(`servername=${cut(servername)} is not a host name; leave it out to verify the host itself`);
  }
  if (alpn !== undefined && !/^[!-~]{1,255}$/.test(alpn)) {
    throw new TargetError(`alpn=${cut(alpn)} is not the name of a protocol; type one such as imap`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new TargetError(`the parameter ${given} needs ${missing} as well; name both files`);
  }
  try {
    return {
      ...(servername !== undefined && { servername: domainToASCII(servername) }),
      ...(alpn !== undefined && { alpn }),
      ...(ca !== undefined && { ca: readCertificates({ option: "ca", path: ca }) }),
      ...(cert !== undefined &&
        key !== undefined &&
        readKeyPair({ option: "cert", path: cert }, { option: "key", path: key })),
    };
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    throw new TargetError(error.message, { cause: error });
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TargetError(`${quote(text)} has a % that begins no character; type %25 for a percent sign`);
  }
}

/** What stands before an @ may be a password. */
function quote(text: string): string {
  return JSON.stringify(cut(text.replace(/^(\w+:\/\/)?.*@/s, "$1…@")));
}

function cut(text: string): string {
  return text.length <= quotedCharactersMax ? text : `${text.slice(0, quotedCharactersMax)}…`;
}
