/**
 * Who is at the other end of a page's connection.
 *
 * That is the peer of the TCP connection, unless it is a reverse proxy that the operator trusts: then Fastify takes the
 * address from its `X-Forwarded-For` header. The address counts for the limits, and stands in the log and, on request, in
 * the server's history.
 */

import type { FastifyRequest } from "fastify";
import { encodeProxyHeader, plainIpAddress } from "@wirebook/protocol";

/** The page's address; what a proxy passes on that is no address is not believed. */
export function addressOf({ ip, raw }: FastifyRequest): string {
  return plainIpAddress(ip ?? "") ?? plainIpAddress(raw.socket.remoteAddress ?? "") ?? "unknown";
}

/** The PROXY header for the page's connection, to be sent before each of its messages [W-20]. */
export function proxyHeaderOf(request: FastifyRequest): Uint8Array {
  const { remoteAddress, remotePort, localAddress, localPort } = request.raw.socket;
  // A connection that is gone already has no addresses.
  if (remoteAddress === undefined || localAddress === undefined) return encodeProxyHeader();
  const address = addressOf(request);
  // The port that a reverse proxy saw, nobody passes on.
  const port = address === plainIpAddress(remoteAddress) ? remotePort : undefined;
  return encodeProxyHeader({
    source: { address, port: port ?? 0 },
    destination: { address: localAddress, port: localPort ?? 0 },
  });
}
