/**
 * A pcapng file as it grows (draft-ietf-opsawg-pcapng), as Wireshark reads it: its head, then the packets of all
 * connections in the order in which they are noted; little-endian throughout.
 *
 *     block     type 4, total length 4, body, options, total length 4 again; everything padded to four bytes
 *     section   0x0a0d0d0a: byte-order magic, version 1.0, section length unknown (-1); shb_userappl, opt_comment
 *     interface 1: LINKTYPE_RAW (101), snap length 0 (no limit); if_tsresol 6 (microseconds)
 *     packet    6: interface 0, time high and low, captured and original length, the packet; opt_comment
 *
 * LINKTYPE_RAW begins a packet with its IP header, so no MAC addresses have to be invented. Each block stands by itself,
 * and a file cut between two blocks is whole.
 */

import type { Endpoint } from "@wirebook/protocol";

const comment =
  "Written by Wirebook from its records of streams, not captured from a network. Each connection holds the very bytes " +
  "that one end of it wrote and read, at the times that it noted; segments, sequence numbers, windows and ACKs are made " +
  "up. Of a stream over TLS they are the plain text. In a stream to a Wirebook server, what may be a key is replaced by " +
  "asterisks. The WebSocket between page and gateway is not here: no program saw its TCP bytes.";

const blockTypes = { section: 0x0a0d0d0a, interface: 1, packet: 6 } as const;
const optionCodes = { comment: 1, application: 4, resolution: 9 } as const;
const byteOrderMagic = 0x1a2b3c4d;
const linkTypeRaw = 101;
const microseconds = 6;

/** Characters of a comment: its length in UTF-8 has 16 bits. */
const commentCharactersMax = 16_000;

/** For a Unix socket, which has none: a port for each stream, from the range of no service (RFC 6335). */
const unixClient = "127.0.0.2";
const unixServer = { address: "127.0.0.3", port: 65_535 };
const unixPortFirst = 49_152;
const unixPorts = 16_383;

export interface CaptureSink {
  /** Takes a whole block; false when it was not taken and is lost. */
  write(block: Uint8Array<ArrayBuffer>): boolean;
}

/** What its sink does not take is counted; sequence numbers go on, so a reader sees the gap as in a real capture. */
export class Capture {
  onFull: (() => void) | undefined;
  bytes = 0;
  lostPackets = 0;
  /** True once it is as large as it may be: nothing more is written. */
  isFull = false;
  readonly #sink: CaptureSink;
  readonly #bytesMax: number;
  #unixStreams = 0;

  constructor(sink: CaptureSink, application: string, bytesMax: number = Infinity) {
    this.#sink = sink;
    this.#bytesMax = bytesMax;
    const section = new DataView(new ArrayBuffer(16));
    section.setUint32(0, byteOrderMagic, true);
    section.setUint16(4, 1, true);
    section.setBigInt64(8, -1n, true);
    const link = new DataView(new ArrayBuffer(8));
    link.setUint16(0, linkTypeRaw, true);
    const texts = {
      [optionCodes.comment]: encodeComment(comment),
      [optionCodes.application]: encodeComment(application),
    };
    this.#write(encodeBlock(blockTypes.section, new Uint8Array(section.buffer), texts));
    const resolution = { [optionCodes.resolution]: Uint8Array.of(microseconds) };
    this.#write(encodeBlock(blockTypes.interface, new Uint8Array(link.buffer), resolution));
  }

  /** Writes a packet at a time in microseconds since 1970, or counts it as lost. */
  add(atUs: number, packet: Uint8Array, note?: string): void {
    const body = new Uint8Array(20 + padded(packet.length));
    const view = new DataView(body.buffer);
    view.setUint32(4, Math.floor(atUs / 0x1_0000_0000), true);
    view.setUint32(8, atUs % 0x1_0000_0000, true);
    view.setUint32(12, packet.length, true);
    view.setUint32(16, packet.length, true);
    body.set(packet, 20);
    const options = note === undefined ? {} : { [optionCodes.comment]: encodeComment(note) };
    if (!this.#write(encodeBlock(blockTypes.packet, body, options))) this.lostPackets += 1;
  }

  unixEnds(): { readonly client: Endpoint; readonly server: Endpoint } {
    const port = unixPortFirst + (this.#unixStreams++ % unixPorts);
    return { client: { address: unixClient, port }, server: unixServer };
  }

  #write(block: Uint8Array<ArrayBuffer>): boolean {
    if (!this.isFull && this.bytes + block.length > this.#bytesMax) {
      this.isFull = true;
      this.onFull?.();
    }
    if (this.isFull || !this.#sink.write(block)) return false;
    this.bytes += block.length;
    return true;
  }
}

export function isPcapng(head: Uint8Array): boolean {
  return head.length >= 4 && new DataView(head.buffer, head.byteOffset).getUint32(0, true) === blockTypes.section;
}

function encodeBlock(type: number, body: Uint8Array, options: Readonly<Record<number, Uint8Array>>) {
  const all = Object.entries(options);
  // Behind the last one stands an empty one.
  const optionBytes = all.length === 0 ? 0 : all.reduce((sum, [, { length }]) => sum + 4 + padded(length), 4);
  const block = new Uint8Array(12 + body.length + optionBytes);
  const view = new DataView(block.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, block.length, true);
  block.set(body, 8);
  let at = 8 + body.length;
  for (const [code, value] of all) {
    view.setUint16(at, Number(code), true);
    view.setUint16(at + 2, value.length, true);
    block.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  view.setUint32(block.length - 4, block.length, true);
  return block;
}

function encodeComment(text: string): Uint8Array {
  return new TextEncoder().encode(text.slice(0, commentCharactersMax));
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
