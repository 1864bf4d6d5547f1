/** The byte frames in which the events of a stream came to the page: an event is a frame, so its bytes are kept once. */

import { byteFrameHeaderBytes, encodeByteFrame } from "@wirebook/protocol";
import type { ByteFrameKind, StreamEvent } from "@wirebook/protocol";

export function kindOf({ kind, isFromTarget }: StreamEvent): ByteFrameKind {
  return kind === "data" && !isFromTarget ? "written" : kind;
}

/** Bytes that tell how many were written. */
const countBytes = 4;

/** Bytes of the frame, header included. */
export function frameBytesOf(event: StreamEvent): number {
  const kind = kindOf(event);
  return byteFrameHeaderBytes + (kind === "written" ? countBytes : event.byteCount);
}

/** The whole frame; `undefined` when its bytes are gone. */
export function frameOf(event: StreamEvent, id: number): Uint8Array | undefined {
  const kind = kindOf(event);
  const body = kind === "data" ? event.bytes : kind === "written" ? event.byteCount : new Uint8Array(0);
  return body === undefined
    ? undefined
    : encodeByteFrame({ ...event, kind, id }, body, (length) => new Uint8Array(length));
}
