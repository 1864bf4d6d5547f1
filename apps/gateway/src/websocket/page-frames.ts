/** What a page may ask of a stream, and how it is told what went wrong [G-2], [G-4], [G-7]. */

import { describeHostPort, type Target } from "@wirebook/net";
import {
  CodedError,
  encodeMessage,
  findOperation,
  firstBytesMax,
  ProtocolError,
  redactMessage,
} from "@wirebook/protocol";
import type { AnnouncedTarget, FrameErrorCode, GatewayFrame, Hop, PageFrame } from "@wirebook/protocol";
import type { StreamRequest } from "../streams/stream.ts";

/** What only a broken page does; many such frames close the WebSocket [G-4]. */
export const pageFaults: ReadonlySet<FrameErrorCode> = new Set(["frame-invalid", "frame-rate", "id-in-use"]);

export function hopOf(code: FrameErrorCode): Hop {
  if (pageFaults.has(code)) return "page-gateway";
  return /^(?:connect|tls-|reply-timeout$)/.test(code) ? "gateway-server" : "gateway";
}

/** A frame of the page that is refused: the page is told, and the WebSocket stays open. */
export class FrameError extends CodedError<FrameErrorCode> {
  override readonly name = "FrameError";
  /** The stream that did not start; `null` when the frame would have started none. */
  readonly id: number | null;
  readonly retryAfterMs: number | undefined;

  constructor(code: FrameErrorCode, id: number | null, message: string, retryAfterMs?: number) {
    super(code, message);
    this.id = id;
    this.retryAfterMs = retryAfterMs;
  }

  toFrame(receivedMs: number): GatewayFrame {
    const { id, code, message, retryAfterMs } = this;
    return { type: "error", id, code, hop: hopOf(code), message, at: { received: receivedMs }, retryAfterMs };
  }
}

type RequestFrame = Extract<PageFrame, { type: "request" }>;
type ConnectFrame = Extract<PageFrame, { type: "connect" }>;

/** @throws FrameError `target-unknown`, or `message-invalid` with the message that the server would answer */
export function readStreamRequest(
  frame: RequestFrame | ConnectFrame,
  targets: ReadonlyMap<string, Target>,
  lessons: ReadonlyMap<string, Target>,
  receivedMs: number,
): StreamRequest {
  const name = frame.type === "request" ? "wirebook" : frame.target;
  const target = targets.get(name) ?? lessons.get(name);
  if (target === undefined) {
    const message = `this gateway has no target ${name}; it has ${[...targets.keys()].join(", ")}`;
    throw new FrameError("target-unknown", frame.id, message);
  }
  const read = frame.type === "request" ? readRequest(frame) : readConnect(frame);
  return { id: frame.id, target, receivedMs, ...read };
}

/** A request stays one line: its words cannot contain white space, and so no line feed. */
function readRequest(frame: RequestFrame): Omit<StreamRequest, "id" | "target" | "receivedMs"> {
  const { id, user, operation, arguments: values = [] } = frame;
  if (operation === undefined && values.length > 0) {
    throw new FrameError("message-invalid", id, "arguments without an operation; add the operation");
  }
  const known = operation === undefined ? undefined : findOperation(operation);
  const line = encodeLine(id, user, operation, values);
  return {
    message: Buffer.from(line),
    isEnded: false,
    isConversation: false,
    isFollow: known?.verb === "follow",
    operation: operation === undefined ? "none" : String(known?.number ?? "other"),
    shown: redactMessage(line.trimEnd()),
  };
}

function encodeLine(id: number, user: string, operation?: number, values?: readonly (string | number)[]): string {
  try {
    return encodeMessage(user, operation, values);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new FrameError("message-invalid", id, error.message);
  }
}

function readConnect(frame: ConnectFrame): Omit<StreamRequest, "id" | "target" | "receivedMs"> {
  const { id, bytes, end: isEnded, schedule, read } = frame;
  const message = Buffer.from(bytes, "base64");
  if (message.length > firstBytesMax) {
    const problem = `${message.length} first bytes are over the limit of ${firstBytesMax}; send the rest in byte frames`;
    throw new FrameError("message-invalid", id, problem);
  }
  // Only the target knows where a key or a password is in these bytes, so the log has just their number.
  const shown = `${message.length} bytes${schedule === undefined ? "" : " by a write schedule"}`;
  return { message, isEnded, isConversation: true, isFollow: false, schedule, read, operation: "connect", shown };
}

/** What a page may know of a target: for a Unix socket no file name. */
export function announce({ name, address, proxy }: Target, proxyHeader: Uint8Array | undefined): AnnouncedTarget {
  const { transport } = address;
  const proxyHeaderBytes = proxy === undefined ? 0 : (proxyHeader?.length ?? 0);
  return { name, transport, ...(transport !== "unix" && { address: describeHostPort(address) }), proxyHeaderBytes };
}
