/**
 * A pcapng file as it grows: its head, then the packets of all connections in the order in which they are noted.
 *
 * Where the bytes go is the caller's concern. When it takes no more of them, or the file is as large as it may be, packets
 * are counted instead of written; sequence numbers go on, so a reader sees the gap as he would that of a real capture.
 */

import type { Endpoint } from "@wirebook/protocol";
import { encodeHead } from "./pcapng.ts";

const comment =
  "Written by Wirebook from its records of streams, not captured from a network. Each connection holds the very bytes " +
  "that one end of it wrote and read, at the times that it noted; segments, sequence numbers, windows and ACKs are made " +
  "up. Of a stream over TLS they are the plain text. In a stream to a Wirebook server, what may be a key is replaced by " +
  "asterisks. The WebSocket between page and gateway is not here: no program saw its TCP bytes.";

/**
 * A Unix socket has no addresses and no ports. Packets need both, so its two ends get these of loopback: a port for each
 * stream, from the range that no service is assigned to (RFC 6335), so that Wireshark takes it for no protocol.
 */
const unixClient = "127.0.0.2";
const unixServer = { address: "127.0.0.3", port: 65_535 };
const unixPortFirst = 49_152;
const unixPorts = 16_383;

/** Where a capture goes. */
export interface CaptureSink {
  /** Takes a whole block; false when it was not taken and is lost. */
  write(block: Uint8Array<ArrayBuffer>): boolean;
}

/** A pcapng file that is being written. */
export class Capture {
  /** Called once, when the file has become as large as it may be. */
  onFull: (() => void) | undefined;
  /** Bytes written so far. */
  bytes = 0;
  /** Packets that were not written. */
  lostPackets = 0;
  /** True once it is as large as it may be: nothing more is written. */
  isFull = false;
  readonly #sink: CaptureSink;
  readonly #bytesMax: number;
  #unixStreams = 0;

  /**
   * Writes the head.
   *
   * @param bytesMax what the file may hold, at least the head's few hundred bytes
   */
  constructor(sink: CaptureSink, application: string, bytesMax: number = Infinity) {
    this.#sink = sink;
    this.#bytesMax = bytesMax;
    this.#write(encodeHead(application, comment));
  }

  /** Writes a packet, in its block, or counts it as lost. */
  add(packet: Uint8Array<ArrayBuffer>): void {
    if (!this.#write(packet)) this.lostPackets += 1;
  }

  /** Addresses for the next Unix socket. */
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
