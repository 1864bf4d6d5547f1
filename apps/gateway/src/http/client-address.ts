/**
 * The address of the client at the other end of a page's connection.
 *
 * That is the peer of the TCP connection, unless the peer is a reverse proxy that the operator trusts: then Fastify takes
 * the address from its `X-Forwarded-For` header. Some proxies write a port behind it, and brackets around IPv6, as in a
 * URL. The address counts for the limits, and is in the log and, on request, in the server's history.
 */

import type { FastifyRequest } from "fastify";
import { encodeProxyHeader, normalizeAddress } from "@wirebook/net";

/** A header of a request that came through a proxy (RFC 7239, RFC 9110 section 7.6.3, and what is usual). */
const forwardingHeader =
  /^(?:forwarded|via|x-forwarded-.*|x-original-forwarded-for|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/;

/** An address as a proxy writes it, without port and brackets; `undefined` when it is none. */
function readForwarded(text: string): string | undefined {
  const [, six, four] = /^(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+)$/.exec(text) ?? [];
  return normalizeAddress(six ?? four ?? text);
}

/** For Fastify: whether an address of the chain in `X-Forwarded-For` is that of a trusted proxy. */
export function trustIn(proxies: readonly string[]): (address: string) => boolean {
  const trusted = new Set(proxies.map((address) => normalizeAddress(address) ?? address));
  return (address) => trusted.has(readForwarded(address) ?? "");
}

/** The page's address. Text of a proxy that is not an address is ignored. */
export function addressOf({ ip, raw }: FastifyRequest): string {
  return readForwarded(ip ?? "") ?? normalizeAddress(raw.socket.remoteAddress ?? "") ?? "unknown";
}

/** True when a trusted proxy's `X-Forwarded-For` has something else where the page's address should be. */
export function isMisread({ ip }: FastifyRequest): boolean {
  return ip !== undefined && readForwarded(ip) === undefined;
}

/** True when a proxy brought the request and the page's address is unknown: the proxy is not trusted, or not understood. */
export function isFromUnknown(request: FastifyRequest, isTrusted: (address: string) => boolean): boolean {
  const { headers, socket } = request.raw;
  if (!Object.keys(headers).some((name) => forwardingHeader.test(name))) return false;
  const hasAddress = /[^\s,]/.test(String(headers["x-forwarded-for"] ?? "")) && !isMisread(request);
  return !isTrusted(socket.remoteAddress ?? "") || !hasAddress;
}

/** The PROXY header for the page's connection, to be sent before each of its messages [W-20]. */
export function proxyHeaderOf(request: FastifyRequest): Uint8Array {
  const { remoteAddress, remotePort, localAddress, localPort } = request.raw.socket;
  // A connection that is already closed has no addresses.
  if (remoteAddress === undefined || localAddress === undefined) return encodeProxyHeader();
  const address = addressOf(request);
  // A reverse proxy does not pass on the client's port.
  const port = address === normalizeAddress(remoteAddress) ? remotePort : undefined;
  return encodeProxyHeader({
    source: { address, port: port ?? 0 },
    destination: { address: localAddress, port: localPort ?? 0 },
  });
}
