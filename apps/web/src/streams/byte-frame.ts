/** The byte frames in which the events of a stream came to the page: an event is a frame, so its bytes are kept once. */

import { byteFrameHeaderBytes, encodeByteFrame, type ByteFrameKind, type StreamEvent } from "@wirebook/protocol";

export function kindOf({ kind, isFromTarget }: StreamEvent): ByteFrameKind {
  return kind === "data" && !isFromTarget ? "written" : kind;
}

/** Bytes of the frame, header included. A `written` frame has a u32. */
export function frameBytesOf(event: StreamEvent): number {
  return byteFrameHeaderBytes + (kindOf(event) === "written" ? 4 : event.byteCount);
}

/** The whole frame; `undefined` when its bytes are gone. */
export function frameOf(event: StreamEvent, id: number): Uint8Array | undefined {
  const kind = kindOf(event);
  const body = kind === "data" ? event.bytes : kind === "written" ? event.byteCount : new Uint8Array(0);
  if (body === undefined) return undefined;
  return encodeByteFrame({ ...event, kind, id }, body, (length) => new Uint8Array(length));
}
