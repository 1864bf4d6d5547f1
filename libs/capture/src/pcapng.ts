/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), as Wireshark reads it; little-endian throughout.
 *
 *     block     type 4, total length 4, body, options, total length 4 again; everything padded to four bytes
 *     section   0x0a0d0d0a: byte-order magic, version 1.0, section length unknown (-1); shb_userappl, opt_comment
 *     interface 1: LINKTYPE_RAW (101), snap length 0 (no limit); if_tsresol 6 (microseconds)
 *     packet    6: interface 0, time high and low, captured and original length, the packet; opt_comment
 *
 * LINKTYPE_RAW begins a packet with its IP header, so no MAC addresses have to be invented. There is one interface and
 * no index, statistics or name resolution: each block stands by itself, and a file cut between two blocks is whole.
 */

/** UTF-8 bytes of a comment in a pcapng file, whose length has 16 bits. */
const commentBytesMax = 65_535;

const blockTypes = { section: 0x0a0d0d0a, interface: 1, packet: 6 } as const;
const optionCodes = { end: 0, comment: 1, application: 4, resolution: 9 } as const;
const byteOrderMagic = 0x1a2b3c4d;
const linkTypeRaw = 101;
const microseconds = 6;

type Option = readonly [code: number, value: Uint8Array];

/** The head of a file: a section by this application, with a comment on all of it, and its one interface. */
export function encodeHead(application: string, comment: string): Uint8Array<ArrayBuffer> {
  const section = new DataView(new ArrayBuffer(16));
  section.setUint32(0, byteOrderMagic, true);
  section.setUint16(4, 1, true);
  section.setBigInt64(8, -1n, true);
  const link = new DataView(new ArrayBuffer(8));
  link.setUint16(0, linkTypeRaw, true);
  const blocks = [
    encodeBlock(blockTypes.section, new Uint8Array(section.buffer), [
      [optionCodes.comment, encodeComment(comment)],
      [optionCodes.application, encodeComment(application)],
    ]),
    encodeBlock(blockTypes.interface, new Uint8Array(link.buffer), [
      [optionCodes.resolution, Uint8Array.of(microseconds)],
    ]),
  ] as const;
  const head = new Uint8Array(blocks[0].length + blocks[1].length);
  head.set(blocks[0]);
  head.set(blocks[1], blocks[0].length);
  return head;
}

/** A packet at a time in microseconds since 1970. */
export function encodePacket(atUs: number, packet: Uint8Array, comment?: string): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(20 + padded(packet.length));
  const view = new DataView(body.buffer);
  view.setUint32(4, Math.floor(atUs / 0x1_0000_0000), true);
  view.setUint32(8, atUs % 0x1_0000_0000, true);
  view.setUint32(12, packet.length, true);
  view.setUint32(16, packet.length, true);
  body.set(packet, 20);
  return encodeBlock(
    blockTypes.packet,
    body,
    comment === undefined ? [] : [[optionCodes.comment, encodeComment(comment)]],
  );
}

/** True when a file that begins with these bytes is a pcapng file. */
export function isPcapng(head: Uint8Array): boolean {
  return head.length >= 4 && new DataView(head.buffer, head.byteOffset).getUint32(0, true) === blockTypes.section;
}

function encodeBlock(type: number, body: Uint8Array, options: readonly Option[]): Uint8Array<ArrayBuffer> {
  const optionBytes = options.length === 0 ? 0 : options.reduce((sum, [, { length }]) => sum + 4 + padded(length), 4);
  const block = new Uint8Array(12 + body.length + optionBytes);
  const view = new DataView(block.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, block.length, true);
  block.set(body, 8);
  let at = 8 + body.length;
  for (const [code, value] of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    block.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  view.setUint32(block.length - 4, block.length, true);
  return block;
}

function encodeComment(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= commentBytesMax) return bytes;
  // Cut between two characters: a byte 10xxxxxx goes on with the one before.
  let end = commentBytesMax;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
