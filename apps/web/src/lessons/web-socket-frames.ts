/**
 * WebSocket frames that stand in the bytes of a stream (RFC 6455, section 5.2): a lesson's page speaks the protocol itself, so
 * that its bytes can be seen. A browser shows its own to no page. Only short frames, of one part each, are known here.
 */

import { decodeText, joinBytes } from "@wirebook/protocol";

export const opcodes = { text: 1, close: 8 } as const;

/** Payload bytes that the header's second byte can count. */
const payloadBytesMax = 125;

/** Bytes of a stream in which frames are looked for. */
export const lookedAtBytes = 4096;

export interface SeenFrame {
  readonly opcode: number;
  readonly isMasked: boolean;
  /** Where the frame and its payload begin in the stream, and where it ends. */
  readonly from: number;
  readonly payloadFrom: number;
  readonly to: number;
  /** The payload as it is on TCP, in hex. */
  readonly payload: string;
}

/** The frames behind the handshake; none where the bytes begin with no handshake, or none that was accepted. */
export function framesIn(bytes: Uint8Array): readonly SeenFrame[] {
  const head = /^(?:GET |HTTP\/1\.1 101 )[^]*?\r\n\r\n/.exec(decodeText(bytes))?.[0] ?? "";
  const frames: SeenFrame[] = [];
  let from = head === "" ? bytes.length : head.length;
  while (from + 2 <= bytes.length) {
    const [first = 0, second = 0] = bytes.subarray(from);
    const isMasked = (second & 0x80) !== 0;
    const payloadFrom = from + 2 + (isMasked ? 4 : 0);
    const to = payloadFrom + (second & 0x7f);
    if ((second & 0x7f) > payloadBytesMax || to > bytes.length) break;
    const payload = hexOf(bytes.subarray(payloadFrom, to));
    frames.push({ opcode: first & 0x0f, isMasked, from, payloadFrom, to, payload });
    from = to;
  }
  return frames;
}

/** A frame as a client sends it, masked with the key; without a key as a server does. */
export function encodeClientFrame(opcode: number, payload: Uint8Array, key?: Uint8Array): Uint8Array {
  const header = Uint8Array.of(0x80 | opcode, (key === undefined ? 0 : 0x80) | payload.length);
  if (key === undefined) return joinBytes(header, payload);
  const masked = payload.map((byte, at) => byte ^ (key[at % key.length] as number));
  return joinBytes(joinBytes(header, key), masked);
}

/** `48 65 6c 6c 6f` */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
