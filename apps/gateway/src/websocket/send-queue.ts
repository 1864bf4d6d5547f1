/**
 * What goes to one WebSocket, and how many bytes of it still wait [G-9].
 *
 * TCP slows a sender down by its window. A WebSocket in a browser has nothing like it, so a gateway that writes whatever
 * it reads keeps the replies to a slow client in its own memory. Here the bytes that wait are counted with each frame:
 * above the high-water mark the queue is full and the targets are no longer read, whose windows then close; below the
 * low-water mark reading goes on. There is no polling: `ws` calls back when the kernel has taken a frame.
 *
 * While several streams run, the socket under the WebSocket is corked for a turn of the event loop, so that all frames of a
 * turn leave in one write.
 */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { LoggedFrame } from "../flows/frame-log.ts";
import type { GatewayLimits } from "../limits.ts";

/** Who is told how much waits. */
export interface SendQueueListener {
  /** Streams that run: with few of them a cork would only delay. */
  readonly streamCount: number;
  /** The high-water mark was passed. */
  onFull(): void;
  /** Frames went on coming: the mark beyond was passed too. */
  onOverfull(): void;
  /** The low-water mark was reached again. */
  onFree(): void;
  /** The kernel has taken everything. */
  onEmpty?(): void;
}

/** Streams from which on frames are gathered for a turn; below, gathering cost more than it saved. */
const corkedStreamsMin = 3;

/** The queue of one WebSocket. */
export class SendQueue {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #limits: GatewayLimits;
  readonly #listener: SendQueueListener;
  #isCorked = false;
  #isFull = false;
  #isOverfull = false;
  #takenCount = 0;

  /** @param socket the connection under the WebSocket */
  constructor(webSocket: WebSocket, socket: Socket, limits: GatewayLimits, listener: SendQueueListener) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#limits = limits;
    this.#listener = listener;
  }

  /** True from the high-water mark until the low-water mark is reached again. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Bytes that the kernel has not taken yet. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Grows with what the kernel takes: as long as it does, the client's machine is alive. */
  get takenCount(): number {
    return this.#takenCount;
  }

  /** True when so few bytes wait that what can be sent at any time may follow. */
  get hasRoom(): boolean {
    return !this.#isFull && this.waitingBytes <= this.#limits.lowWaterBytes;
  }

  /** Sends messages in one write; the listener is told when the kernel has taken them. */
  sendAll(messages: readonly LoggedFrame[]): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    this.#socket.cork();
    for (const [index, message] of messages.entries()) {
      this.#checkMarks(message.length);
      const onTaken = this.#isFull || index === messages.length - 1 ? this.#onTaken : undefined;
      this.#webSocket.send(message, onTaken);
    }
    this.#socket.uncork();
  }

  /** Sends a text or a binary message; dropped when the WebSocket is closing. */
  send(data: string | Uint8Array): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    const isFirst = this.#cork();
    this.#checkMarks(data.length);
    // A callback for every frame would cost as much as the frame. Which ones are taken matters while the queue is full.
    this.#webSocket.send(data, isFirst || this.#isFull ? this.#onTaken : undefined);
  }

  /** Returns true for the first frame of a turn. */
  #cork(): boolean {
    if (this.#isCorked) return false;
    if (this.#listener.streamCount < corkedStreamsMin) return true;
    this.#isCorked = true;
    this.#socket.cork();
    setImmediate(this.#uncork);
    return true;
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };

  #checkMarks(addedBytes: number): void {
    const waiting = this.#socket.writableLength + addedBytes;
    if (!this.#isFull && waiting > this.#limits.highWaterBytes) {
      this.#isFull = true;
      this.#listener.onFull();
    }
    if (!this.#isOverfull && waiting > this.#limits.overfullBytes) {
      this.#isOverfull = true;
      this.#listener.onOverfull();
    }
  }

  readonly #onTaken = (error?: Error): void => {
    if (error) return; // The WebSocket's own `close` follows.
    this.#takenCount += 1;
    if (this.#socket.writableLength === 0) this.#listener.onEmpty?.();
    if (!this.#isFull || this.#socket.writableLength > this.#limits.lowWaterBytes) return;
    this.#isFull = false;
    this.#isOverfull = false;
    this.#listener.onFree();
  };
}
