/**
 * The frames to one page, and how many of their bytes still wait [G-9].
 *
 * TCP holds a sender back by its window; a WebSocket in a browser has no such thing to offer, so a gateway that writes
 * whatever it reads keeps a slow page's replies in its own memory. Here the bytes that wait are counted after each frame:
 * above the high-water mark the outbox is full and the bridge stops reading its servers, whose windows then close; below
 * the low-water mark it goes on. There is no polling: `ws` calls back for each frame that the kernel took.
 *
 * All frames of one turn of the event loop leave in one write.
 */

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { encodeBytes, encodeFrame } from "@wirebook/protocol";
import type { GatewayFrame } from "@wirebook/protocol";

/** The marks, in bytes. */
export interface OutboxLimits {
  readonly highWaterBytes: number;
  readonly lowWaterBytes: number;
  readonly overfullBytes: number;
}

/** Who is told when the outbox fills up and when it has room again. */
export interface OutboxListener {
  /** The high-water mark was passed. */
  onFull(): void;
  /** Even so, frames went on coming: the mark beyond was passed. */
  onOverfull(): void;
  /** The low-water mark was reached again. */
  onRoom(): void;
}

/** The outbox of one WebSocket. */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #wire: Duplex;
  readonly #limits: OutboxLimits;
  readonly #listener: OutboxListener;
  #isFull = false;
  #isOverfull = false;
  #isCorked = false;
  #takenCount = 0;

  /** @param wire the connection under the WebSocket, to be corked */
  constructor(socket: WebSocket, wire: Duplex, limits: OutboxLimits, listener: OutboxListener) {
    this.#socket = socket;
    this.#wire = wire;
    this.#limits = limits;
    this.#listener = listener;
  }

  /** True from the high-water mark until the low-water mark is reached again. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Bytes that the kernel has not taken yet. */
  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Frames that the kernel has taken: as long as it grows, the page's machine is alive. */
  get takenCount(): number {
    return this.#takenCount;
  }

  /** Sends a control frame; dropped when the WebSocket is closing. */
  send(frame: GatewayFrame): void {
    this.#write(encodeFrame(frame));
  }

  /** Sends what one read from TCP gave, as one frame [G-3]. */
  sendBytes(id: number, chunk: Uint8Array): void {
    this.#write(encodeBytes(id, chunk));
  }

  #write(data: string | Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#cork();
    this.#socket.send(data, this.#onTaken);
    const waiting = this.waitingBytes;
    if (!this.#isFull && waiting > this.#limits.highWaterBytes) {
      this.#isFull = true;
      this.#listener.onFull();
    }
    if (!this.#isOverfull && waiting > this.#limits.overfullBytes) {
      this.#isOverfull = true;
      this.#listener.onOverfull();
    }
  }

  readonly #onTaken = (error?: Error | null): void => {
    if (error) return; // The WebSocket's own `close` follows.
    this.#takenCount += 1;
    if (!this.#isFull || this.#socket.bufferedAmount > this.#limits.lowWaterBytes) return;
    this.#isFull = false;
    this.#isOverfull = false;
    this.#listener.onRoom();
  };

  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#wire.cork();
    setImmediate(() => {
      this.#isCorked = false;
      this.#wire.uncork();
    });
  }
}
