/**
 * WebSockets for which there is no room [G-10].
 *
 * A browser shows its page nothing of an upgrade that is refused, neither status nor sentence. So the WebSocket is
 * accepted, told why in an `error` frame, and closed with a code and a reason; nothing that comes over it is looked at.
 */

import type { WebSocket } from "ws";
import { encodeFrame } from "@wirebook/protocol";
import type { FrameError } from "./frame-error.ts";
import { closeReasonBytesMax } from "../limits.ts";

/** The WebSockets that are being told. */
export class RejectedUpgrades {
  readonly #max: number;
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** True when no more can be told at once. */
  get isFull(): boolean {
    return this.#count >= this.#max;
  }

  /** Tells a WebSocket why, and closes it with a code of RFC 6455 or its registry. */
  tell(socket: WebSocket, error: FrameError, code: number): void {
    this.#count += 1;
    socket.on("close", () => (this.#count -= 1));
    // `close` follows; without a listener the process would end.
    socket.on("error", () => undefined);
    socket.send(encodeFrame(error.toFrame(performance.now())));
    socket.close(code, Buffer.from(`${error.code}: ${error.message}`).subarray(0, closeReasonBytesMax));
  }
}
