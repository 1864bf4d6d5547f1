/**
 * What goes to one WebSocket, and how many bytes of it still wait [G-9]. A WebSocket has no window that slows a sender down, so
 * the bytes that wait are counted: above the high-water mark the targets are no longer read, whose windows then close; below
 * the low-water mark reading goes on. There is no polling: `ws` calls back when the kernel has taken a frame.
 *
 * While several streams run, the socket is corked for a turn of the event loop: all frames of a turn leave in one write.
 */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { GatewayLimits } from "../limits.ts";

export interface SendQueueListener {
  /** Streams that run: with few of them a cork would only delay. */
  readonly streamCount: number;
  onFull(): void;
  /** Frames went on coming. */
  onOverfull(): void;
  onFree(): void;
  /** The kernel has taken something: as long as it does, the client's machine is alive. */
  onTaken(): void;
}

/** Streams from which on frames are gathered for a turn; below, gathering cost more than it saved. */
const corkedStreamsMin = 3;

export class SendQueue {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #limits: GatewayLimits;
  readonly #listener: SendQueueListener;
  #isCorked = false;
  #isFull = false;
  #isOverfull = false;

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

  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** True when what can be sent at any time may follow. */
  get hasRoom(): boolean {
    return !this.#isFull && this.waitingBytes <= this.#limits.lowWaterBytes;
  }

  /** Sends messages in one write; the listener is told when the kernel has taken them. */
  sendAll(messages: readonly (string | Uint8Array)[]): void {
    this.#socket.cork();
    for (const [index, message] of messages.entries()) this.#send(message, index === messages.length - 1);
    this.#socket.uncork();
  }

  /** Sends a text or a binary message; dropped when the WebSocket is closing. */
  send(message: string | Uint8Array): void {
    this.#send(message, this.#cork());
  }

  #send(message: string | Uint8Array, isTold: boolean): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    const { highWaterBytes, overfullBytes } = this.#limits;
    const waiting = this.#socket.writableLength + message.length;
    if (!this.#isFull && waiting > highWaterBytes) {
      this.#isFull = true;
      this.#listener.onFull();
    }
    if (!this.#isOverfull && waiting > overfullBytes) {
      this.#isOverfull = true;
      this.#listener.onOverfull();
    }
    // A callback for every frame would cost as much as the frame. Which ones are taken matters while the queue is full.
    this.#webSocket.send(message, isTold || this.#isFull ? this.#onTaken : undefined);
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

  readonly #onTaken = (error?: Error): void => {
    if (error) return; // The WebSocket's own `close` follows.
    this.#listener.onTaken();
    if (!this.#isFull || this.#socket.writableLength > this.#limits.lowWaterBytes) return;
    this.#isFull = this.#isOverfull = false;
    this.#listener.onFree();
  };
}
