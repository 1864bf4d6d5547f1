/**
 * The header with which a proxy says for whom it connects: the PROXY protocol, version 2, as HAProxy specifies it [W-20].
 *
 *     12 bytes  signature, which no message of ours begins with
 *      1 byte   version 2 and the command: 0 LOCAL (the proxy connects for itself), 1 PROXY (for a client)
 *      1 byte   address family and transport: 0x11 TCP over IPv4, 0x21 TCP over IPv6, 0x00 not said
 *      2 bytes  length of what follows, most significant first
 *      n bytes  source and destination address, source and destination port, and then extensions, which are skipped
 *
 * A reader must know from the peer's address that there is one: a reader that guesses would let any client claim any
 * address. Version 1, which is text, is not read.
 */

import type { Endpoint } from "@wirebook/protocol";
import { decodeAddress, encodeAddress, mapToIPv6 } from "./addresses.ts";

/** Bytes of a header with its extensions [W-20]; 52 without any. */
export const proxyHeaderBytesMax = 536;

interface ProxiedConnection {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** The connection is `undefined` when the proxy connects for itself or does not say. */
type ProxyHeaderReading =
  | { readonly state: "incomplete" }
  | { readonly state: "whole"; readonly length: number; readonly connection: ProxiedConnection | undefined }
  | { readonly state: "invalid"; readonly problem: string };

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const fixedBytes = 16;
const [local, proxied] = [0x20, 0x21];
const [unspecified, tcpOverIPv4, tcpOverIPv6] = [0x00, 0x11, 0x21];

/** Without a connection the proxy connects for itself (LOCAL), as for a health check. @throws RangeError for no IP address */
export function encodeProxyHeader(connection?: ProxiedConnection): Uint8Array<ArrayBuffer> {
  if (connection === undefined) return Uint8Array.of(...signature, local, unspecified, 0, 0);
  const ends = [connection.source, connection.destination];
  const plain = ends.map(({ address }) => encodeAddress(address) ?? refuse(address));
  const isSix = plain.some(({ length }) => length === 16);
  const addresses = (isSix ? plain.map(mapToIPv6) : plain).flatMap((bytes) => [...bytes]);
  const ports = ends.flatMap(({ port }) => [port >> 8, port & 0xff]);
  const family = isSix ? tcpOverIPv6 : tcpOverIPv4;
  return Uint8Array.of(...signature, proxied, family, 0, addresses.length + ports.length, ...addresses, ...ports);
}

/** Reads the header at the start of what a proxy sent. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeaderReading {
  if (signature.subarray(0, bytes.length).some((byte, at) => byte !== bytes[at])) return invalid("this one has none");
  if (bytes.length < fixedBytes) return { state: "incomplete" };
  const [command = 0, family = 0, high = 0, low = 0] = bytes.subarray(signature.length);
  if (command !== local && command !== proxied) {
    return invalid(`its version and command are 0x${command.toString(16)}, not 0x20 or 0x21`);
  }
  const length = fixedBytes + (high << 8) + low;
  if (length > proxyHeaderBytesMax) return invalid(`its ${length} bytes are over the limit of ${proxyHeaderBytesMax}`);
  // Of a LOCAL header the addresses mean nothing, whatever they are.
  const isSilent = command === local || family === unspecified;
  if (!isSilent && family !== tcpOverIPv4 && family !== tcpOverIPv6) {
    return invalid(`its address family is 0x${family.toString(16)}, not TCP over IP`);
  }
  const each = family === tcpOverIPv6 ? 16 : 4;
  if (!isSilent && length < fixedBytes + 2 * each + 4) return invalid("it is too short");
  if (bytes.length < length) return { state: "incomplete" };
  const block = bytes.subarray(fixedBytes);
  const end = (at: number): Endpoint => ({
    address: decodeAddress(block.subarray(at * each, (at + 1) * each)),
    port: ((block[2 * each + 2 * at] ?? 0) << 8) | (block[2 * each + 2 * at + 1] ?? 0),
  });
  return { state: "whole", length, connection: isSilent ? undefined : { source: end(0), destination: end(1) } };
}

function invalid(problem: string): ProxyHeaderReading {
  return { state: "invalid", problem };
}

function refuse(address: string): never {
  throw new RangeError(`${JSON.stringify(address)} is no IP address`);
}
