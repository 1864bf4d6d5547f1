/**
 * WebSocket frames as a server writes them (RFC 6455, section 5.2), put one behind the other and written at once.
 *
 * Each is a message of its own: FIN set, not masked, not compressed. Small ones are copied into one buffer, since the
 * kernel takes one piece of memory faster than many; a large one is written from where it stands.
 */

import type { Writable } from "node:stream";
import { batchBytesMax, copiedBytesMax } from "../limits.ts";

/** The first byte of a frame: FIN and the opcode. */
const firstBytes = { text: 0x81, binary: 0x82 };

/** Of the exchange before its bytes [G-3]. */
const idBytes = 4;

interface TextFrame {
  readonly payloadBytes: number;
  readonly text: string;
}

interface BinaryFrame {
  readonly payloadBytes: number;
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** For whatever the kernel takes at once, which is nearly all. What it does not take keeps the buffer. */
let shared = Buffer.allocUnsafeSlow(batchBytesMax);

/** Frames that are to leave together. */
export class FrameBatch {
  #frames: (TextFrame | BinaryFrame)[] = [];
  #bytes = 0;
  #copiedBytes = 0;
  /** What is written from where it stands. */
  #large: Uint8Array[] = [];

  /** Bytes of the frames in it, with their headers. */
  get bytes(): number {
    return this.#bytes;
  }

  addText(text: string): void {
    const payloadBytes = Buffer.byteLength(text);
    this.#add({ payloadBytes, text }, payloadBytes);
  }

  /** The bytes are the batch's from now on: once they are written, large ones are gone. */
  addBytes(id: number, bytes: Uint8Array): void {
    const isLarge = bytes.length > copiedBytesMax;
    if (isLarge) this.#large.push(bytes);
    this.#add({ payloadBytes: idBytes + bytes.length, id, bytes }, idBytes + (isLarge ? 0 : bytes.length));
  }

  /**
   * Writes what is in it and empties it.
   *
   * @param onTaken called when the kernel has taken the last byte, or with the error
   */
  writeTo(wire: Writable, onTaken: (error?: Error | null) => void): void {
    const isShared = wire.writableLength === 0 && this.#copiedBytes <= batchBytesMax;
    const large = this.#large;
    const pieces = encode(this.#frames, isShared ? shared : Buffer.allocUnsafe(this.#copiedBytes));
    this.clear();
    const last = pieces.pop();
    if (last === undefined) return;
    wire.cork();
    for (const piece of pieces) wire.write(piece);
    wire.write(
      last,
      large.length === 0
        ? onTaken
        : (error) => {
            large.forEach(free);
            onTaken(error);
          },
    );
    wire.uncork();
    if (isShared && wire.writableLength > 0) shared = Buffer.allocUnsafeSlow(batchBytesMax);
  }

  /** Empties it. */
  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#copiedBytes = 0;
    if (this.#large.length > 0) this.#large = [];
  }

  #add(frame: TextFrame | BinaryFrame, copiedBytes: number): void {
    const header = headerBytes(frame.payloadBytes);
    this.#frames.push(frame);
    this.#bytes += header + frame.payloadBytes;
    this.#copiedBytes += header + copiedBytes;
  }
}

/**
 * Gives memory back at once, where the bytes have it to themselves. Left to the collector, the memory of a large reply
 * makes it mark the whole heap over and over.
 */
function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** The frames' bytes, in pieces: parts of the buffer, and what is too large to be copied there. */
function encode(frames: readonly (TextFrame | BinaryFrame)[], buffer: Buffer): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let [from, at] = [0, 0];
  for (const frame of frames) {
    if ("text" in frame) {
      at = writeHeader(buffer, at, firstBytes.text, frame.payloadBytes);
      at += buffer.write(frame.text, at);
      continue;
    }
    at = writeHeader(buffer, at, firstBytes.binary, frame.payloadBytes);
    at = buffer.writeUInt32BE(frame.id, at);
    if (frame.bytes.length <= copiedBytesMax) {
      buffer.set(frame.bytes, at);
      at += frame.bytes.length;
    } else {
      pieces.push(buffer.subarray(from, at), frame.bytes);
      from = at;
    }
  }
  if (at > from) pieces.push(buffer.subarray(from, at));
  return pieces;
}

/** Payload lengths that stand in the second byte itself, and in the two bytes behind it. */
const length7Max = 125;
const length16Max = 0xffff;

function headerBytes(payloadBytes: number): number {
  if (payloadBytes <= length7Max) return 2;
  return payloadBytes <= length16Max ? 4 : 10;
}

/** Returns where the payload begins. */
function writeHeader(buffer: Buffer, at: number, firstByte: number, payloadBytes: number): number {
  buffer[at] = firstByte;
  if (payloadBytes <= length7Max) {
    buffer[at + 1] = payloadBytes;
    return at + 2;
  }
  if (payloadBytes <= length16Max) {
    buffer[at + 1] = 126;
    return buffer.writeUInt16BE(payloadBytes, at + 2);
  }
  buffer[at + 1] = 127;
  return buffer.writeBigUInt64BE(BigInt(payloadBytes), at + 2);
}
