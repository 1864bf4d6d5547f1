/**
 * The packets of one TCP connection, made from what one end of it noted (RFC 9293).
 *
 * A program sees no packets: it sees that it connected, what it wrote, what each read gave, and how it ended. The bytes,
 * their order and their times are true. Made up are the segments (each write and each read is one, split only where it
 * is longer than `segmentBytesMax`), the initial sequence numbers, the windows, and every ACK, which stands at the time
 * of what it acknowledges. The keys of a stream to a Wirebook server are replaced by asterisks of the same length; to any
 * other service a `~` is a byte like all others. The comment on the first packet says so.
 *
 * Nothing is kept: each call writes its blocks at once, and bytes that were not kept leave a gap in the
 * sequence numbers, as packets do that a real capture missed.
 */

import type { Endpoint } from "@wirebook/protocol";
import { ExchangeMask } from "./key-mask.ts";
import type { Masked } from "./key-mask.ts";
import { encodePacket } from "./pcapng.ts";
import { encodeAddress, encodeSegment, flags } from "./segment.ts";
import type { SegmentEnd } from "./segment.ts";

/**
 * Payload bytes of one synthesised segment: the most that fits an IPv4 packet of 65,535 bytes behind two headers. It is
 * what Linux uses on loopback, and lets nearly every read stay one packet.
 */
export const segmentBytesMax = 65_495;

/** Both ends of a connection. The client is the end that connected, whose notes these are. */
export interface Ends {
  readonly client: Endpoint;
  readonly server: Endpoint;
}

/** The end that connected, or the other one. */
export type Side = "client" | "server";

interface Sender extends SegmentEnd {
  /** The next byte that it sends. */
  sequence: number;
  hasEnded: boolean;
}

interface Sending {
  readonly bits: number;
  readonly payload?: Uint8Array;
  readonly comment?: string | undefined;
}

/** Sequence numbers are counted modulo this. */
const sequences = 0x1_0000_0000;
const nothing = new Uint8Array(0);
const window = 0xffff;
const windowShift = 7;
/** The maximum segment size; a no-op and the window scale, with which no read fills the window. */
const synOptions = Uint8Array.of(2, 4, segmentBytesMax >> 8, segmentBytesMax & 0xff, 1, 3, 3, windowShift);
const synthesised =
  "Synthesised from the record of a stream, not captured: bytes, order and times are as this end noted them; " +
  "segments, sequence numbers, windows and ACKs are made up.";

/** What a conversation is, besides its two ends. */
export interface ConversationOptions {
  /** True for a stream to a Wirebook server: its keys are hidden. */
  readonly hasKeys: boolean;
  /** What the comment on the first packet adds, a sentence each. */
  readonly notes?: readonly string[];
}

/** A connection whose packets are written down as it goes on. Times are milliseconds since 1970, with fractions. */
export class Conversation {
  readonly #client: Sender;
  readonly #server: Sender;
  readonly #write: (block: Uint8Array<ArrayBuffer>) => void;
  readonly #mask: ExchangeMask | undefined;
  readonly #comment: string;
  #atUs = 0;
  #hasBroken = false;

  /**
   * @param write gets the blocks for the file, one a packet, in order
   * @throws RangeError when an address is no IP address, or the two are of different kinds
   */
  constructor(
    { client, server }: Ends,
    { hasKeys, notes = [] }: ConversationOptions,
    write: (block: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#client = senderOf(client);
    this.#server = senderOf(server);
    this.#write = write;
    this.#mask = hasKeys ? new ExchangeMask() : undefined;
    this.#comment = [synthesised, ...notes].join(" ");
    if (this.#client.address.length === this.#server.address.length) return;
    throw new RangeError(`${client.address} and ${server.address} are not of the same version of IP`);
  }

  /** The handshake: asked for at one time, and done at another. */
  open(connectingMs: number, establishedMs: number): void {
    this.#advance(connectingMs);
    // Two connections between the same ports must not look like one; beside that the numbers mean nothing.
    this.#client.sequence = this.#atUs % sequences;
    this.#server.sequence = (this.#atUs * 7 + 1) % sequences;
    this.#send("client", { bits: flags.syn, comment: this.#comment });
    this.#advance(establishedMs);
    this.#send("server", { bits: flags.syn | flags.ack });
    this.#send("client", { bits: flags.ack });
  }

  /** This end wrote what is not part of any message, such as a PROXY header, and holds no key. */
  sentProxyHeader(atMs: number, bytes: Uint8Array): void {
    this.#advance(atMs);
    this.#carry("client", unmasked(bytes));
  }

  /** This end wrote. */
  wrote(atMs: number, bytes: Uint8Array): void {
    this.#advance(atMs);
    this.#carry("client", this.#mask?.pushSent(bytes) ?? unmasked(bytes));
  }

  /** A read gave bytes of the server's. */
  read(atMs: number, bytes: Uint8Array): void {
    this.#advance(atMs);
    this.#carry("server", this.#mask?.pushReceived(bytes) ?? unmasked(bytes));
  }

  /** So many bytes of one side are not known any more. */
  skipped(side: Side, bytes: number): void {
    const sender = this.#of(side);
    sender.sequence = (sender.sequence + bytes) % sequences;
  }

  /** One side sent its FIN, and the other one knows it. */
  ended(side: Side, atMs: number, comment?: string): void {
    this.#advance(atMs);
    if (this.#of(side).hasEnded) return;
    this.#send(side, { bits: flags.fin | flags.ack, comment });
    this.#send(otherOf(side), { bits: flags.ack });
  }

  /** One side broke the connection off, once. */
  reset(side: Side, atMs: number, comment?: string): void {
    this.#advance(atMs);
    if (this.#hasBroken) return;
    this.#hasBroken = true;
    this.#send(side, { bits: flags.rst | flags.ack, comment });
  }

  #carry(side: Side, { bytes, maskedBytes }: Masked): void {
    const comment = maskedBytes === 0 ? undefined : keyComment(maskedBytes);
    for (let from = 0; from < bytes.length; from += segmentBytesMax) {
      const payload = bytes.subarray(from, from + segmentBytesMax);
      const isLast = from + payload.length === bytes.length;
      const bits = flags.ack | (isLast ? flags.push : 0);
      this.#send(side, { bits, payload, comment: from === 0 ? comment : undefined });
    }
    if (bytes.length > 0) this.#send(otherOf(side), { bits: flags.ack });
  }

  #send(side: Side, { bits, payload = nothing, comment }: Sending): void {
    const source = this.#of(side);
    const destination = this.#of(otherOf(side));
    const isSyn = (bits & flags.syn) !== 0;
    const isFin = (bits & flags.fin) !== 0;
    const packet = encodeSegment({
      source,
      destination,
      sequence: source.sequence,
      acknowledgement: (bits & flags.ack) === 0 ? 0 : destination.sequence,
      flags: bits,
      window,
      options: isSyn ? synOptions : nothing,
      payload,
    });
    source.sequence = (source.sequence + payload.length + (isSyn || isFin ? 1 : 0)) % sequences;
    source.hasEnded ||= isFin;
    this.#write(encodePacket(this.#atUs, packet, comment));
  }

  #of(side: Side): Sender {
    return side === "client" ? this.#client : this.#server;
  }

  /** Notes that time went on; it never goes back. */
  #advance(atMs: number): void {
    this.#atUs = Math.max(this.#atUs, Math.round(atMs * 1000));
  }
}

function senderOf({ address, port }: Endpoint): Sender {
  const bytes = encodeAddress(address);
  if (bytes === undefined) throw new RangeError(`${JSON.stringify(address)} is no IP address`);
  return { address: bytes, port, sequence: 0, hasEnded: false };
}

function otherOf(side: Side): Side {
  return side === "client" ? "server" : "client";
}

function unmasked(bytes: Uint8Array): Masked {
  return { bytes, maskedBytes: 0 };
}

function keyComment(bytes: number): string {
  return `${bytes} bytes behind a ~ may be a key, and are replaced by as many asterisks.`;
}
