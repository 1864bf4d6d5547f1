/** One TCP segment in its IP packet, with the checksums that a network card would have made (RFC 791, 8200, 9293, 1071). */

import ipaddr from "ipaddr.js";

export const flags = { fin: 0x01, syn: 0x02, rst: 0x04, push: 0x08, ack: 0x10 } as const;

/** One end of a connection: an address of 4 or 16 bytes, and a port. */
export interface SegmentEnd {
  readonly address: Uint8Array;
  readonly port: number;
}

/** Both ends have addresses of the same length. */
type Segment = Readonly<Record<"sequence" | "acknowledgement" | "flags", number>> &
  Readonly<{ source: SegmentEnd; destination: SegmentEnd; payload: Uint8Array }>;

const tcp = 6;
const tcpHeaderBytes = 20;
const hopLimit = 64;
const dontFragment = 0x4000;
/** No segment fills it, and each is acknowledged before the next one. */
const window = 0xffff;

/** The 4 or 16 bytes of an IP address, 4 where it is mapped into IPv6; `undefined` when the text is no address. */
export function encodeAddress(text: string): Uint8Array | undefined {
  const address = text.replace(/%.*$/, "");
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address);
  return isAddress ? Uint8Array.from(ipaddr.process(address).toByteArray()) : undefined;
}

/** The packet: an IP header, the TCP header without options, and the payload. */
export function encodeSegment({ source, destination, payload, ...segment }: Segment): Uint8Array<ArrayBuffer> {
  const isSix = source.address.length === 16;
  const at = isSix ? 40 : 20;
  const tcpBytes = tcpHeaderBytes + payload.length;
  const packet = new Uint8Array(at + tcpBytes);
  const view = new DataView(packet.buffer);
  packet.set(source.address, isSix ? 8 : 12);
  packet.set(destination.address, isSix ? 24 : 16);
  view.setUint8(0, isSix ? 0x60 : 0x45);
  if (isSix) {
    view.setUint16(4, tcpBytes);
    view.setUint16(6, (tcp << 8) | hopLimit);
  } else {
    view.setUint16(2, packet.length);
    view.setUint16(6, dontFragment);
    view.setUint16(8, (hopLimit << 8) | tcp);
    view.setUint16(10, checksum(sumOf(packet.subarray(0, at))));
  }
  view.setUint16(at, source.port);
  view.setUint16(at + 2, destination.port);
  view.setUint32(at + 4, segment.sequence);
  view.setUint32(at + 8, segment.acknowledgement);
  view.setUint16(at + 12, ((tcpHeaderBytes / 4) << 12) | segment.flags);
  view.setUint16(at + 14, window);
  packet.set(payload, at + tcpHeaderBytes);
  const pseudoHeader = sumOf(source.address) + sumOf(destination.address) + tcp + tcpBytes;
  view.setUint16(at + 16, checksum(pseudoHeader + sumOf(packet.subarray(at))));
  return packet;
}

/** The sum of all 16-bit words, the last one filled up with a zero; at most 32,768 of them, so it stays a safe integer. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] as number) << 8) + (bytes[at + 1] ?? 0);
  return sum;
}

function checksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = Math.floor(folded / 0x1_0000) + (folded % 0x1_0000);
  return ~folded & 0xffff;
}
