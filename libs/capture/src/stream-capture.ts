/**
 * The packets of one stream, made from its record, while it happens or afterwards (RFC 9293).
 *
 * A program sees no packets: it sees that it connected, what it wrote, what each read gave, and how it ended. The bytes,
 * their order and their times are true. Made up are the segments (each write and each read is one, split only where it
 * is longer than `segmentBytesMax`), the initial sequence numbers, the windows, and every ACK, which stands at the time
 * of what it acknowledges. Bytes that were not kept leave a gap in the sequence numbers, as in a real capture.
 */

import type { EndReason, Endpoint, StreamEvent, StreamRecord, TlsFacts } from "@wirebook/protocol";
import type { Capture } from "./capture.ts";
import { ExchangeMask } from "./key-mask.ts";
import { encodeAddress, encodeSegment, flags, type SegmentEnd } from "./segment.ts";

/** Payload bytes of one segment: the most that fits an IPv4 packet behind two headers, as Linux has it on loopback. */
export const segmentBytesMax = 65_495;

interface StreamCaptureOptions {
  /** Milliseconds since 1970 at which the clock of the record read 0. */
  readonly originMs: number;
  readonly transport: "tcp" | "tls" | "unix";
  /** True for a stream to a Wirebook server: its keys are hidden. To any other service a `~` is a byte like all others. */
  readonly hasKeys: boolean;
}

type Side = "client" | "server";

interface Sender extends SegmentEnd {
  sequence: number;
  hasEnded: boolean;
}

const sequences = 0x1_0000_0000;
const synthesised =
  "Synthesised from the record of a stream, not captured: bytes, order and times are as this end noted them; " +
  "segments, sequence numbers, windows and ACKs are made up.";
const unixNote =
  "This was a Unix socket: its addresses and ports are made up as well, and FIN and RST stand for the closing of an end.";

/** What never became a connection leaves no packet. The record must keep the bytes of its newest event. */
export class StreamCapture {
  readonly #capture: Capture;
  readonly #options: StreamCaptureOptions;
  readonly #mask: ExchangeMask | undefined;
  /** `undefined` before the connection stands. */
  #ends: Readonly<Record<Side, Sender>> | undefined;
  #atUs = 0;
  #hasBroken = false;

  constructor(capture: Capture, options: StreamCaptureOptions) {
    this.#capture = capture;
    this.#options = options;
    this.#mask = options.hasKeys ? new ExchangeMask() : undefined;
  }

  /** The connection stands; a PROXY header was what this end said before everything else, and holds no key. */
  open({ at, local, remote, tls }: StreamRecord, proxyHeader?: Uint8Array): void {
    if (at.established === undefined) return;
    const isUnix = this.#options.transport === "unix";
    const places = local && remote ? { client: local, server: remote } : isUnix ? this.#capture.unixEnds() : undefined;
    const client = places && senderOf(places.client);
    const server = places && senderOf(places.server);
    // A record from a file may name ends between which there is no connection.
    if (client === undefined || client.address.length !== server?.address.length) return;
    this.#ends = { client, server };
    this.#advance(at.connecting ?? at.established);
    // Two connections between the same ports must not look like one; beside that the numbers mean nothing.
    client.sequence = this.#atUs % sequences;
    server.sequence = (this.#atUs * 7 + 1) % sequences;
    const notes = [synthesised, ...(isUnix ? [unixNote] : []), ...(tls === undefined ? [] : [tlsNote(tls)])];
    this.#send("client", flags.syn, notes.join(" "));
    this.#advance(at.established);
    this.#send("server", flags.syn | flags.ack);
    this.#send("client", flags.ack);
    if (proxyHeader !== undefined) this.#carry("client", proxyHeader);
  }

  note({ latest }: StreamRecord): void {
    if (latest !== undefined) this.#note(latest);
  }

  over(
    how: { readonly reason: EndReason } | { readonly code: string; readonly message: string },
    record: StreamRecord,
  ): void {
    // A handshake of TLS that failed opened no stream, but there was a connection.
    if (this.#ends === undefined) this.open(record);
    const { fin, closed = fin } = record.at;
    if (closed === undefined) return;
    const isFin = "reason" in how && how.reason === "fin";
    if (isFin) {
      this.#advance(fin ?? closed);
      this.#end("server");
    }
    this.#advance(closed);
    if (isFin) this.#end("client");
    else if ("reason" in how) {
      const why = how.reason === "reset" ? "as it was told to" : "before the server had ended";
      this.#reset("client", `This end broke off with RST, ${why}.`);
    } else if (how.code === "connection-reset") this.#reset("server", `The connection broke: ${how.message}`);
    else this.#reset("client", `This end gave up with RST (${how.code}): ${how.message}`);
  }

  /** The whole of a stream, from its record; false when there are no packets, because its connection never stood. */
  replay(record: StreamRecord): boolean {
    const { events, outcome } = record;
    this.open(record);
    const passed = { client: 0, server: 0 };
    for (const event of events.filter(({ kind }) => kind !== "written")) {
      const side = event.isFromTarget ? "server" : "client";
      // What is missing before it was omitted, or never came to be known of.
      this.#skip(side, event.offset - passed[side]);
      passed[side] = event.offset + event.byteCount;
      this.#note(event);
    }
    if (outcome !== undefined) this.over(outcome, record);
    return this.#ends !== undefined;
  }

  #note({ kind, isFromTarget, byteCount, bytes, atMs }: StreamEvent): void {
    const side = isFromTarget ? "server" : "client";
    this.#advance(atMs);
    if (kind === "fin") this.#end(side);
    else if (kind === "rst") this.#reset(side);
    else if (bytes === undefined) this.#skip(side, byteCount);
    else this.#carry(side, this.#mask?.push(isFromTarget, bytes) ?? bytes);
  }

  #advance(atMs: number): void {
    this.#atUs = Math.max(this.#atUs, Math.round((this.#options.originMs + atMs) * 1000));
  }

  #skip(side: Side, bytes: number): void {
    const sender = this.#ends?.[side];
    if (sender !== undefined) sender.sequence = (sender.sequence + bytes) % sequences;
  }

  #carry(side: Side, bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += segmentBytesMax) {
      const payload = bytes.subarray(from, from + segmentBytesMax);
      const isLast = from + payload.length === bytes.length;
      this.#send(side, flags.ack | (isLast ? flags.push : 0), undefined, payload);
      this.#send(otherOf(side), flags.ack);
    }
  }

  #end(side: Side): void {
    if (this.#ends?.[side].hasEnded !== false) return;
    this.#send(side, flags.fin | flags.ack);
    this.#send(otherOf(side), flags.ack);
  }

  #reset(side: Side, comment?: string): void {
    if (this.#hasBroken) return;
    this.#hasBroken = true;
    this.#send(side, flags.rst | flags.ack, comment);
  }

  #send(side: Side, bits: number, comment?: string, payload: Uint8Array = new Uint8Array(0)): void {
    if (this.#ends === undefined) return;
    const source = this.#ends[side];
    const destination = this.#ends[otherOf(side)];
    const { sequence } = source;
    const acknowledgement = (bits & flags.ack) === 0 ? 0 : destination.sequence;
    const packet = encodeSegment({ source, destination, sequence, acknowledgement, flags: bits, payload });
    const isFin = (bits & flags.fin) !== 0;
    source.sequence = (sequence + payload.length + (isFin || (bits & flags.syn) !== 0 ? 1 : 0)) % sequences;
    source.hasEnded ||= isFin;
    this.#capture.add(this.#atUs, packet, comment);
  }
}

function senderOf({ address, port }: Endpoint): Sender | undefined {
  const bytes = encodeAddress(address);
  return bytes && { address: bytes, port, sequence: 0, hasEnded: false };
}

function otherOf(side: Side): Side {
  return side === "client" ? "server" : "client";
}

function tlsNote({ version, cipher, alpn, peer }: TlsFacts): string {
  const protocol = alpn === null ? "" : `, ALPN ${alpn}`;
  return (
    `This is the plain text inside of TLS (${version}, ${cipher}${protocol}; certificate of ${peer.subject}): ` +
    "the handshake and the encrypted records are left out."
  );
}
