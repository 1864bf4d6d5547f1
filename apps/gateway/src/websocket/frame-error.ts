/** What goes wrong with a frame, as the page is told [G-7]. */

import type { FrameErrorCode, GatewayFrame, Hop } from "@wirebook/protocol";

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

/** A frame of the page that is not carried out: the page is told, and goes on. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: FrameErrorCode;
  /** The exchange that did not begin; `null` when the frame would have begun none. */
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
