/** One TCP segment in its IP packet, with the checksums that a network card would have made (RFC 791, 8200, 9293, 1071). */

import ipaddr from "ipaddr.js";

/** The flags that are used. */
export const flags = { fin: 0x01, syn: 0x02, rst: 0x04, push: 0x08, ack: 0x10 } as const;

/** One end of a connection: an address of 4 or 16 bytes, and a port. */
export interface SegmentEnd {
  readonly address: Uint8Array;
  readonly port: number;
}

/** What a segment says; both ends have addresses of the same length. */
export interface Segment {
  readonly source: SegmentEnd;
  readonly destination: SegmentEnd;
  readonly sequence: number;
  /** 0 when the flag is not set. */
  readonly acknowledgement: number;
  readonly flags: number;
  readonly window: number;
  readonly payload: Uint8Array;
}

const tcp = 6;
const tcpHeaderBytes = 20;
const hopLimit = 64;
const dontFragment = 0x4000;

/** The 4 or 16 bytes of an IP address, 4 where it is mapped into IPv6; `undefined` when the text is no address. */
export function encodeAddress(text: string): Uint8Array | undefined {
  const address = text.replace(/%.*$/, "");
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address);
  return isAddress ? Uint8Array.from(ipaddr.process(address).toByteArray()) : undefined;
}

/** The packet: an IP header, the TCP header without options, and the payload. */
export function encodeSegment(segment: Segment): Uint8Array<ArrayBuffer> {
  const { source, destination, payload } = segment;
  const isSix = source.address.length === 16;
  const ipBytes = isSix ? 40 : 20;
  const tcpBytes = tcpHeaderBytes + payload.length;
  const packet = new Uint8Array(ipBytes + tcpBytes);
  const ip = viewOf(packet);
  if (isSix) {
    ip.setUint8(0, 0x60);
    ip.setUint16(4, tcpBytes);
    ip.setUint8(6, tcp);
    ip.setUint8(7, hopLimit);
  } else {
    ip.setUint8(0, 0x45);
    ip.setUint16(2, packet.length);
    ip.setUint16(6, dontFragment);
    ip.setUint8(8, hopLimit);
    ip.setUint8(9, tcp);
  }
  packet.set(source.address, isSix ? 8 : 12);
  packet.set(destination.address, isSix ? 24 : 16);
  if (!isSix) ip.setUint16(10, checksum(sumOf(packet.subarray(0, ipBytes))));
  const body = packet.subarray(ipBytes);
  const view = viewOf(body);
  view.setUint16(0, source.port);
  view.setUint16(2, destination.port);
  view.setUint32(4, segment.sequence);
  view.setUint32(8, segment.acknowledgement);
  view.setUint8(12, (tcpHeaderBytes / 4) << 4);
  view.setUint8(13, segment.flags);
  view.setUint16(14, segment.window);
  body.set(payload, tcpHeaderBytes);
  const pseudoHeader = sumOf(source.address) + sumOf(destination.address) + tcp + tcpBytes;
  view.setUint16(16, checksum(pseudoHeader + sumOf(body)));
  return packet;
}

/** The sum of all 16-bit words, the last one filled up with a zero; at most 32,768 of them, so it stays a safe integer. */
function sumOf(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  const even = bytes.length & ~1;
  let sum = 0;
  for (let at = 0; at < even; at += 2) sum += view.getUint16(at);
  return even === bytes.length ? sum : sum + (view.getUint8(even) << 8);
}

/** The ones' complement of the ones' complement sum. */
function checksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = Math.floor(folded / 0x1_0000) + (folded % 0x1_0000);
  return ~folded & 0xffff;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
