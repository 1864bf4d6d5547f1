/** Decodes the frames of a page, and refuses those that are wrong [G-2], [G-3], [G-6]. */

import {
  decodeBytes,
  decodePageFrame,
  encodeMessage,
  findOperation,
  ProtocolError,
  rawBytesMax,
  redactMessage,
} from "@wirebook/protocol";
import type { PageFrame } from "@wirebook/protocol";
import { FrameError } from "./errors.ts";
import type { StreamRequest } from "../streams/stream.ts";

type RequestFrame = Extract<PageFrame, { type: "request" }>;
type RawFrame = Extract<PageFrame, { type: "raw" }>;

/**
 * Reads a text frame.
 *
 * @throws FrameError `frame-invalid`
 */
export function readFrame(text: string): PageFrame {
  const decoded = decodePageFrame(text);
  if ("problem" in decoded) throw new FrameError("frame-invalid", null, decoded.problem);
  return decoded.frame;
}

/**
 * Reads a binary frame.
 *
 * @throws FrameError `frame-invalid`
 */
export function readBytes(data: Uint8Array): { readonly id: number; readonly bytes: Uint8Array } {
  const decoded = decodeBytes(data);
  if (decoded !== undefined) return decoded;
  const message = `a binary frame of ${data.length} bytes is too short for the exchange id, which has 4 bytes`;
  throw new FrameError("frame-invalid", null, message);
}

/**
 * Reads what a frame wants to send to the server.
 *
 * @throws FrameError `message-invalid` with the message that the server would answer
 */
export function readStreamRequest(frame: RequestFrame | RawFrame, receivedMs: number): StreamRequest {
  return frame.type === "request" ? readRequest(frame, receivedMs) : readRaw(frame, receivedMs);
}

/** A request stays one line: its words cannot contain white space, and so no line feed. */
function readRequest({ id, user, operation, arguments: values }: RequestFrame, receivedMs: number): StreamRequest {
  if (operation === undefined && values !== undefined && values.length > 0) {
    throw new FrameError("message-invalid", id, "arguments without an operation; add the operation");
  }
  const known = operation === undefined ? undefined : findOperation(operation);
  const line = encodeLine(id, user, operation, values);
  return {
    id,
    message: Buffer.from(line),
    isEnded: false,
    isRaw: false,
    plan: undefined,
    read: undefined,
    isFollow: known?.verb === "follow",
    operation: operation === undefined ? "none" : String(known?.number ?? "other"),
    receivedMs,
    shown: redactMessage(line.trimEnd()),
  };
}

function encodeLine(id: number, user: string, operation?: number, values?: readonly (string | number)[]): string {
  try {
    return encodeMessage(user, operation, values);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new FrameError("message-invalid", id, error.message, { cause: error });
  }
}

function readRaw({ id, bytes: base64, end, plan, read }: RawFrame, receivedMs: number): StreamRequest {
  const message = Buffer.from(base64, "base64");
  if (message.length > rawBytesMax) {
    const problem = `${message.length} raw bytes are over the limit of ${rawBytesMax}; send the rest in binary frames`;
    throw new FrameError("message-invalid", id, problem);
  }
  // Only the server knows where a key is in raw bytes, so the log has just their number.
  const shown = `${message.length} raw bytes${plan === undefined ? "" : " by plan"}`;
  const fixed = { isRaw: true, isFollow: false, operation: "raw" };
  return { id, message, isEnded: end, plan, read, receivedMs, shown, ...fixed };
}
