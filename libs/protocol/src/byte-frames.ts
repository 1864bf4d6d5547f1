/**
 * Byte frames of `wirebook.v2`: what happened to the bytes of a stream, with the time at which it did [G-3].
 *
 * One frame is one read, one write that the kernel took, one FIN or one RST. A header of 16 bytes, big-endian, goes first:
 *
 *     0   u8    kind      1 data (bytes follow)   2 written (u32: bytes that the kernel took)   3 FIN   4 RST
 *     1   u8    flags     bit 0 leg (1 client–gateway)   bit 1 direction (1 from the target)   bit 2 a gap before it
 *                         bit 3 of a flow's data: it waited, and a written frame follows when the other leg took it
 *     2   u16   queued    KiB that waited toward the page before it; 65,535 for that or more
 *     4   u32   id        of the stream, chosen by the page; with the top bit set it is a flow, chosen by the gateway
 *     8   f64   time      milliseconds on the gateway's monotonic clock; from the page 0
 */

export const byteFrameHeaderBytes = 16;
/** The largest id that a page may choose: the top bit tells a flow. */
export const streamIdMax = 0x7fff_ffff;
export const flowIdMin = streamIdMax + 1;
const queuedKiBMax = 0xffff;

export const byteFrameKinds = { data: 1, written: 2, fin: 3, rst: 4 } as const;
export type ByteFrameKind = keyof typeof byteFrameKinds;

export interface ByteFrameHeader {
  readonly kind: ByteFrameKind;
  /** The TCP connection that it concerns: the gateway's to the target, or a client's to the gateway. */
  readonly leg: "target" | "client";
  readonly isFromTarget: boolean;
  readonly isAfterGap: boolean;
  readonly isWaiting?: boolean;
  readonly queuedKiB: number;
  readonly id: number;
  readonly atMs: number;
}

export interface ByteFrame extends ByteFrameHeader {
  /** Of `data`, in the frame's memory; else empty. */
  readonly bytes: Uint8Array;
  /** Bytes that the kernel took: of `written`; else 0. */
  readonly writtenBytes: number;
}

const legFlag = 1;
const directionFlag = 2;
const gapFlag = 4;
const waitingFlag = 8;
const kinds = Object.keys(byteFrameKinds) as ByteFrameKind[];
const noBytes = new Uint8Array(0);

/** @param body the bytes of `data`, or how many were `written`; none for FIN and RST @param allocate need not zero */
export function encodeByteFrame<Memory extends Uint8Array>(
  { kind, leg, isFromTarget, isAfterGap, isWaiting = false, queuedKiB, id, atMs }: ByteFrameHeader,
  body: Uint8Array | number,
  allocate: (length: number) => Memory,
): Memory {
  const bodyBytes = typeof body === "number" ? 4 : body.length;
  const frame = allocate(byteFrameHeaderBytes + bodyBytes);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const way = (leg === "client" ? legFlag : 0) | (isFromTarget ? directionFlag : 0);
  view.setUint8(0, byteFrameKinds[kind]);
  view.setUint8(1, way | (isAfterGap ? gapFlag : 0) | (isWaiting ? waitingFlag : 0));
  view.setUint16(2, Math.min(queuedKiB, queuedKiBMax));
  view.setUint32(4, id);
  view.setFloat64(8, atMs);
  if (typeof body === "number") view.setUint32(byteFrameHeaderBytes, body);
  else frame.set(body, byteFrameHeaderBytes);
  return frame;
}

/** A frame with bytes from the page, which are to be written to the target. */
export function encodeData(id: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const page = { kind: "data", leg: "target", isFromTarget: false, isAfterGap: false, queuedKiB: 0, atMs: 0 } as const;
  return encodeByteFrame({ ...page, id }, bytes, (length) => new Uint8Array(length));
}

/** Reads a frame, sharing its memory; the sentence that says what is wrong with it, if something is. */
export function decodeByteFrame(frame: Uint8Array): ByteFrame | string {
  if (frame.length < byteFrameHeaderBytes) {
    return `a byte frame of ${frame.length} bytes is shorter than its header of ${byteFrameHeaderBytes}`;
  }
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const kind = kinds[view.getUint8(0) - 1];
  if (kind === undefined)
    return `a byte frame has the unknown kind ${view.getUint8(0)}; see docs/reference/gateway-frames.md`;
  const bodyBytes = frame.length - byteFrameHeaderBytes;
  const expected = kind === "data" ? bodyBytes : kind === "written" ? 4 : 0;
  if (bodyBytes !== expected) return `a ${kind} frame has ${bodyBytes} bytes behind its header instead of ${expected}`;
  const flags = view.getUint8(1);
  return {
    kind,
    leg: (flags & legFlag) === 0 ? "target" : "client",
    isFromTarget: (flags & directionFlag) !== 0,
    isAfterGap: (flags & gapFlag) !== 0,
    isWaiting: (flags & waitingFlag) !== 0,
    queuedKiB: view.getUint16(2),
    id: view.getUint32(4),
    atMs: view.getFloat64(8),
    bytes: kind === "data" ? frame.subarray(byteFrameHeaderBytes) : noBytes,
    writtenBytes: kind === "written" ? view.getUint32(byteFrameHeaderBytes) : 0,
  };
}
