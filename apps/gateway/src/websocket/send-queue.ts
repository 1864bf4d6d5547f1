/**
 * The frames to one page, and how many of their bytes still wait [G-9].
 *
 * TCP holds a sender back by its window; a WebSocket in a browser has no such thing to offer, so a gateway that writes
 * whatever it reads keeps a slow page's replies in its own memory. Here the bytes that wait are counted after each frame:
 * above the high-water mark the queue is full and the connection stops reading its servers, whose windows then close; below
 * the low-water mark it goes on. There is no polling: the wire calls back when the kernel has taken a write.
 *
 * All frames of one turn of the event loop leave in one write, under `ws`: it compresses nothing here and fragments
 * nothing, so that a frame of its own (ping, pong, close) may stand before or behind any of these.
 */

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { encodeFrame } from "@wirebook/protocol";
import type { GatewayFrame } from "@wirebook/protocol";
import { FrameBatch } from "./frame-batch.ts";

/** The marks, in bytes. */
export interface SendQueueLimits {
  readonly highWaterBytes: number;
  readonly lowWaterBytes: number;
  readonly overfullBytes: number;
}

/** Who is told when the queue fills up and when it has room again. */
export interface SendQueueListener {
  /** The high-water mark was passed. */
  onFull(): void;
  /** Even so, frames went on coming: the mark beyond was passed. */
  onOverfull(): void;
  /** The low-water mark was reached again. */
  onRoom(): void;
}

/** The queue of one WebSocket. */
export class SendQueue {
  readonly #socket: WebSocket;
  readonly #wire: Duplex;
  readonly #limits: SendQueueLimits;
  readonly #listener: SendQueueListener;
  readonly #batch = new FrameBatch();
  #isFull = false;
  #isOverfull = false;
  #takenCount = 0;

  /** @param wire the connection under the WebSocket */
  constructor(socket: WebSocket, wire: Duplex, limits: SendQueueLimits, listener: SendQueueListener) {
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
    return this.#batch.bytes + this.#wire.writableLength;
  }

  /** Writes that the kernel has taken: as long as it grows, the page's machine is alive. */
  get takenCount(): number {
    return this.#takenCount;
  }

  /** Sends a control frame; dropped when the WebSocket is closing. */
  send(frame: GatewayFrame): void {
    if (!this.#mayAdd()) return;
    this.#batch.addText(encodeFrame(frame));
    this.#checkMarks();
  }

  /** Sends what one read from TCP gave, as one frame [G-3]; the bytes are the queue's from now on. */
  sendBytes(id: number, chunk: Uint8Array): void {
    if (!this.#mayAdd()) return;
    this.#batch.addBytes(id, chunk);
    this.#checkMarks();
  }

  /** Writes what has gathered in this turn; before a close frame, which must be the last. */
  flush(): void {
    if (this.#batch.bytes === 0) return;
    if (this.#isOpen) this.#batch.writeTo(this.#wire, this.#onTaken);
    else this.#batch.clear();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #mayAdd(): boolean {
    if (!this.#isOpen) return false;
    if (this.#batch.bytes === 0) setImmediate(this.#flushSoon);
    return true;
  }

  readonly #flushSoon = (): void => this.flush();

  #checkMarks(): void {
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
    if (!this.#isFull || this.waitingBytes > this.#limits.lowWaterBytes) return;
    this.#isFull = false;
    this.#isOverfull = false;
    this.#listener.onRoom();
  };
}
