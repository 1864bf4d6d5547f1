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
import { cutText } from "@wirebook/protocol";
import { describeHostPort, type HostPort } from "./addresses.ts";
import { InputError } from "./errors.ts";
import { readCertificates, readKeyPair } from "./pem.ts";

/** A TLS service. Its certificate is always verified. */
export interface TlsAddress extends HostPort {
  readonly transport: "tls";
  /** The name that the certificate must have and that SNI tells, where it is not the host. */
  readonly servername?: string | undefined;
  /** RFC 7301. */
  readonly alpn?: string | undefined;
  /** The authorities that are trusted instead of the usual ones, in PEM form. */
  readonly ca?: Buffer | undefined;
  /** The certificate of this client and its key, in PEM form; both or neither. */
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

export type TargetAddress =
  ({ readonly transport: "tcp" } & HostPort) | TlsAddress | { readonly transport: "unix"; readonly path: string };

export interface Target {
  readonly name: string;
  readonly address: TargetAddress;
  /** The version of the PROXY header that goes first. */
  readonly proxy: "v2" | undefined;
}

/** `sun_path` has 108, and the last of them is 0. */
const socketPathBytesMax = 107;

const parametersOf: Readonly<Record<string, readonly string[]>> = {
  tcp: ["proxy"],
  tls: ["ca", "servername", "alpn", "cert", "key", "proxy"],
  unix: ["proxy"],
};

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

/** Reads `NAME=URL`. @throws InputError */
export function parseTarget(text: string): Target {
  const [, name, url] = /^([^=:]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || url === undefined) {
    throw new InputError(`${quote(text)} has no name; type NAME=URL, such as mail=tls://imap.example:993`);
  }
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) {
    const form = "up to 32 small letters, digits and hyphens, not a hyphen first";
    throw new InputError(`${quote(name)} is not a target's name; type ${form}`);
  }
  try {
    return { name, ...parseTargetUrl(url) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`target ${name}: ${error.message}`, { cause: error });
  }
}

/** @throws InputError */
export function parseTargetUrl(text: string): Omit<Target, "name"> {
  const url = URL.parse(text);
  const transport = url?.protocol.slice(0, -1) ?? "";
  if (url === null || !(transport in parametersOf) || `${url.username}${url.password}${url.hash}` !== "") {
    throw notAnAddress(text);
  }
  const parameters = readParameters(transport, url.search);
  const proxy = parameters.get("proxy") === "v2" ? "v2" : undefined;
  if (transport === "unix") return { address: { transport, path: readSocketPath(text, url) }, proxy };
  const place = readPlace(text, url);
  if (transport === "tcp") return { address: { transport, ...place }, proxy };
  return { address: { transport: "tls", ...place, ...readTlsParameters(parameters) }, proxy };
}

function readParameters(transport: string, search: string): URLSearchParams {
  const parameters = new URLSearchParams(search.replaceAll("+", "%2B"));
  const known = parametersOf[transport] ?? [];
  for (const [name, value] of parameters) {
    const isOne = known.includes(name) && value !== "" && parameters.getAll(name).length === 1;
    if (isOne && (name !== "proxy" || value === "v2")) continue;
    const forms = known.map((each) => (each === "proxy" ? "proxy=v2" : `${each}=…`)).join(", ");
    throw new InputError(`${quote(`${name}=${value}`)} is no parameter of ${transport}; type ${forms}, each only once`);
  }
  return parameters;
}

function readPlace(text: string, { hostname, port, pathname }: URL): HostPort {
  const six = /^\[(.*)\]$/.exec(hostname)?.[1];
  const host = six ?? domainToASCII(decode(text, hostname));
  if (host === "" || host.length > 253 || Number(port) === 0 || pathname !== "") throw notAnAddress(text);
  return { host, port: Number(port) };
}

function readSocketPath(text: string, { host, pathname }: URL): string {
  const path = decode(text, pathname);
  if (host !== "" || !/^\/[^\0]*$/.test(path)) throw notAnAddress(text);
  const bytes = Buffer.byteLength(path);
  if (bytes <= socketPathBytesMax) return path;
  const advice = "use a shorter one, such as a symbolic link";
  throw new InputError(
    `the path of ${bytes} bytes to the Unix socket is over the limit of ${socketPathBytesMax}; ${advice}`,
  );
}

function readTlsParameters(parameters: URLSearchParams): Omit<TlsAddress, "transport" | keyof HostPort> {
  const [ca, servername, alpn, cert, key] = ["ca", "servername", "alpn", "cert", "key"].map(
    (name) => parameters.get(name) ?? undefined,
  );
  if (servername !== undefined && (isIP(servername) > 0 || domainToASCII(servername) === "")) {
    throw new InputError(
      `servername=${cutText(servername)} is not a host name; leave it out to verify the host itself`,
    );
  }
  if (alpn !== undefined && !/^[!-~]{1,255}$/.test(alpn)) {
    throw new InputError(`alpn=${cutText(alpn)} is not the name of a protocol; type one such as imap`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new InputError("a client's certificate needs cert=FILE and key=FILE; name both files");
  }
  return {
    servername: servername && domainToASCII(servername),
    alpn,
    ca: ca === undefined ? undefined : readCertificates({ option: "ca", path: ca }),
    ...(cert && key && readKeyPair({ option: "cert", path: cert }, { option: "key", path: key })),
  };
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw notAnAddress(text);
  }
}

function notAnAddress(text: string): InputError {
  return new InputError(
    `${quote(text)} is not an address; type tcp://host:port, tls://host:port or unix:/path, a port from 1 to 65535, an IPv6 address in brackets, and %23 for # and %25 for %`,
  );
}

/** What stands before an @ may be a password. */
function quote(text: string): string {
  return JSON.stringify(cutText(text.replace(/^(\w+:\/\/)?.*@/s, "$1…@")));
}
