/**
 * What a page may send, and how it is told what went wrong [G-2], [G-3], [G-4], [G-7].
 *
 * A frame that is wrong becomes a `FrameError`, which the page gets as an `error` frame.
 */

import { describeHostPort } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import {
  decodeByteFrame,
  decodePageFrame,
  encodeMessage,
  findOperation,
  firstBytesMax,
  ProtocolError,
  redactMessage,
  streamIdMax,
} from "@wirebook/protocol";
import type { AnnouncedTarget, ByteFrame, FrameErrorCode, GatewayFrame, Hop, PageFrame } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import type { StreamRequest } from "../streams/stream.ts";
import { TokenBucket } from "../bounds.ts";

/** The hop on which each failure happens. */
export const hopOf: Readonly<Record<FrameErrorCode, Hop>> = {
  busy: "gateway",
  "connect-failed": "gateway-server",
  "connect-refused": "gateway-server",
  "connect-timeout": "gateway-server",
  "connection-reset": "gateway-server",
  forbidden: "gateway",
  "frame-invalid": "page-gateway",
  "frame-rate": "page-gateway",
  "id-in-use": "page-gateway",
  "id-unknown": "page-gateway",
  "login-needed": "gateway",
  "message-invalid": "gateway",
  "presentation-unknown": "gateway",
  "reply-timeout": "gateway-server",
  "reset-impossible": "gateway",
  "shutting-down": "gateway",
  "target-unknown": "gateway",
  "tls-client-certificate": "gateway-server",
  "tls-expired": "gateway-server",
  "tls-failed": "gateway-server",
  "tls-no-common-protocol": "gateway-server",
  "tls-not-yet-valid": "gateway-server",
  "tls-self-signed": "gateway-server",
  "tls-unknown-authority": "gateway-server",
  "tls-wrong-host": "gateway-server",
  "too-many-presentations": "gateway",
  "too-many-streams": "gateway",
  "too-many-websockets": "gateway",
};

/** Frames that a correct page never sends; many of them close the WebSocket [G-4]. */
const faults: ReadonlySet<FrameErrorCode> = new Set(["frame-invalid", "id-in-use", "id-unknown"]);

interface FrameErrorOptions extends ErrorOptions {
  readonly retryAfterMs?: number;
}

/** A frame of the page that is refused: the page is told, and the WebSocket stays open. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: FrameErrorCode;
  /** The stream that did not start; `null` when the frame would have started none. */
  readonly id: number | null;
  /** When to try again, where that helps. */
  readonly retryAfterMs: number | undefined;

  constructor(code: FrameErrorCode, id: number | null, message: string, options: FrameErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.id = id;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** The frame that tells the page. */
  toFrame(receivedMs: number): GatewayFrame {
    const { id, code, message, retryAfterMs } = this;
    const hint = retryAfterMs === undefined ? {} : { retryAfterMs };
    return { type: "error", id, code, hop: hopOf[code], message, at: { received: receivedMs }, ...hint };
  }

  /** True when only a broken page sends such a frame. */
  get isFault(): boolean {
    return faults.has(this.code);
  }
}

/** How many frames one client may send, and how many of them may be faulty [G-4]. */
export class RateLimiter {
  readonly #limits: GatewayLimits;
  readonly #frames: TokenBucket;
  #faults: TokenBucket | undefined;

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
    this.#frames = new TokenBucket(limits.frameBurstMax, limits.framesPerSecondMax);
  }

  /** Counts a frame. When it is one too many, returns the error with which to close the WebSocket. */
  take(nowMs: number): FrameError | undefined {
    if (this.#frames.take(nowMs)) return undefined;
    const { framesPerSecondMax } = this.#limits;
    return new FrameError("frame-rate", null, `more than ${framesPerSecondMax} frames within a second; send fewer`);
  }

  /** Counts a frame that was refused; false when only a broken page sends such a frame, and it is one too many. */
  allowsFault(error: FrameError, nowMs: number): boolean {
    if (!error.isFault) return true;
    this.#faults ??= new TokenBucket(this.#limits.faultBurstMax, 1, nowMs);
    return this.#faults.take(nowMs);
  }
}

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
 * Reads a binary frame, which carries bytes for a target, or something of a stream that the page presents.
 *
 * @throws FrameError `frame-invalid`
 */
export function readBytes(data: Uint8Array): ByteFrame {
  const decoded = decodeByteFrame(data);
  if (typeof decoded === "string") throw new FrameError("frame-invalid", null, decoded);
  // What the page presents may be anything that it has seen.
  if (decoded.id > streamIdMax) return decoded;
  if (decoded.kind === "data" && !decoded.isFromTarget && decoded.leg === "target") return decoded;
  const message = "a page sends byte frames of the kind data, toward the target; FIN and RST are end and reset frames";
  throw new FrameError("frame-invalid", null, message);
}

type RequestFrame = Extract<PageFrame, { type: "request" }>;
type ConnectFrame = Extract<PageFrame, { type: "connect" }>;

/**
 * Reads what a frame wants to send, and to which target.
 *
 * @param lessons the targets of lessons, which no sentence names
 * @throws FrameError `target-unknown`, or `message-invalid` with the message that the server would answer
 */
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
function readRequest({
  id,
  user,
  operation,
  arguments: values,
}: RequestFrame): Omit<StreamRequest, "id" | "target" | "receivedMs"> {
  if (operation === undefined && values !== undefined && values.length > 0) {
    throw new FrameError("message-invalid", id, "arguments without an operation; add the operation");
  }
  const known = operation === undefined ? undefined : findOperation(operation);
  const line = encodeLine(id, user, operation, values);
  return {
    message: Buffer.from(line),
    isEnded: false,
    isConversation: false,
    isFollow: known?.verb === "follow",
    schedule: undefined,
    read: undefined,
    operation: operation === undefined ? "none" : String(known?.number ?? "other"),
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

function readConnect({
  id,
  bytes: base64,
  end,
  schedule,
  read,
}: ConnectFrame): Omit<StreamRequest, "id" | "target" | "receivedMs"> {
  const message = Buffer.from(base64, "base64");
  if (message.length > firstBytesMax) {
    const problem = `${message.length} first bytes are over the limit of ${firstBytesMax}; send the rest in byte frames`;
    throw new FrameError("message-invalid", id, problem);
  }
  // Only the target knows where a key or a password is in these bytes, so the log has just their number.
  const shown = `${message.length} bytes${schedule === undefined ? "" : " by a write schedule"}`;
  return { message, isEnded: end, isConversation: true, isFollow: false, schedule, read, operation: "connect", shown };
}

/** What a page may know of a target: for a Unix socket no file name. */
export function announce({ name, address, proxy }: Target, proxyHeader: Uint8Array | undefined): AnnouncedTarget {
  const proxyHeaderBytes = proxy === undefined ? 0 : (proxyHeader?.length ?? 0);
  const { transport } = address;
  if (transport === "unix") return { name, transport, proxyHeaderBytes };
  return { name, transport, address: describeHostPort(address), proxyHeaderBytes };
}
