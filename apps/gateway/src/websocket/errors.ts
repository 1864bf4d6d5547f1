/** How the page is told what went wrong: an `error` frame [G-7], or a close code and a reason [G-10]. */

import type { WebSocket } from "ws";
import type { FrameErrorCode, GatewayFrame, Hop } from "@wirebook/protocol";

/** The codes with which the gateway closes a WebSocket (RFC 6455, section 7.4.1, and the IANA registry). */
export const closeCodes = {
  goingAway: 1001,
  policyViolation: 1008,
  internalError: 1011,
  tryAgainLater: 1013,
} as const;

/** Bytes of the reason in a close frame (RFC 6455, section 5.5: 125, less two for the code). */
const closeReasonBytesMax = 123;

/** Closes a WebSocket with a reason, which is cut where it is too long. */
export function closeWebSocket(webSocket: WebSocket, code: number, reason: string): void {
  webSocket.close(code, Buffer.from(reason).subarray(0, closeReasonBytesMax));
}

/** The hop on which each failure happens. */
export const hopOf: Readonly<Record<FrameErrorCode, Hop>> = {
  busy: "gateway",
  "connect-failed": "gateway-server",
  "connect-refused": "gateway-server",
  "connect-timeout": "gateway-server",
  "connection-reset": "gateway-server",
  "frame-invalid": "page-gateway",
  "frame-rate": "page-gateway",
  "id-in-use": "page-gateway",
  "id-unknown": "page-gateway",
  "message-invalid": "gateway",
  "reply-timeout": "gateway-server",
  "shutting-down": "gateway",
  "too-many-exchanges": "gateway",
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
  /** The exchange that did not start; `null` when the frame would have started none. */
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
