/**
 * IP addresses as text and as bytes (RFC 4291, RFC 5952), and how a host and a port are written.
 *
 * Each address has one text: IPv6 is written as RFC 5952 recommends, an IPv4 address that a system shows mapped into IPv6
 * (`::ffff:127.0.0.1`) is written as IPv4, and a zone (`%eth0`), which means nothing on another machine, is left out.
 */

import { isIP, isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import type { Endpoint } from "@wirebook/protocol";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:5007`, or `[::1]:5007` where the colons would run together. */
export function describeHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The inverse of `describeHostPort`; `undefined` for any other text. */
export function decodeHostPort(text: string, portLeast = 1): HostPort | undefined {
  const groups = /^(?:\[(?<six>[^\]]+)\]|(?<name>[^\s/:@[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  if (groups === undefined || (groups.six !== undefined && !isIPv6(groups.six))) return undefined;
  const port = Number(groups.port);
  return port >= portLeast && port <= 65_535 ? { host: groups.six ?? groups.name ?? "", port } : undefined;
}

export function describeEndpoint({ address, port }: Endpoint): string {
  return describeHostPort({ host: address, port });
}

/** One end of a connection as Node tells it; `undefined` for a Unix socket, and before and after the connection. */
export function endpointOf(address: string | undefined, port: number | undefined): Endpoint | undefined {
  if (address === undefined || port === undefined) return undefined;
  return { address: normalizeAddress(address) ?? address, port };
}

/** The one text of an address; `undefined` for any other text. */
export function normalizeAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const address = parse(text);
  return address?.toString();
}

/** What limits count as one peer: an IPv4 address, or the first 64 bits of an IPv6 address, which one host usually has. */
export function networkOf(address: string): string {
  const parsed = isIPv4(address) ? undefined : parse(address);
  if (parsed === undefined || "octets" in parsed) return parsed?.toString() ?? address;
  return `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
}

/** An address and how many of its first bits are a network's, all of them for an address alone. */
export function readNetwork(text: string): { readonly address: string; readonly bits: number } | undefined {
  const [, plain = "", bitsText] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = normalizeAddress(plain);
  if (address === undefined) return undefined;
  const bitsMax = isIPv6(address) ? 128 : 32;
  const bits = Number(bitsText ?? bitsMax);
  return bits <= bitsMax ? { address, bits } : undefined;
}

/** True for an address, or the name `localhost`, that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return parse(host)?.range() === "loopback" || host.toLowerCase() === "localhost";
}

/** Its 4 or 16 bytes; `undefined` for any other text. */
export function encodeAddress(text: string): Uint8Array | undefined {
  const address = parse(text);
  return address && Uint8Array.from(address.toByteArray());
}

export function decodeAddress(bytes: Uint8Array): string {
  return ipaddr.process(ipaddr.fromByteArray([...bytes]).toString()).toString();
}

/** The 16 bytes of either kind of address: an IPv4 address is mapped into IPv6. */
export function mapToIPv6(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 ? bytes : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);
}

/** `isIP` decides what an address is: `ipaddr.js` alone also takes `127.1` and octal numbers. `process` undoes the mapping. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.process(text.replace(/%.*$/, ""));
}
