/**
 * The frames to one page, and how many of their bytes still wait [G-9].
 *
 * TCP slows a sender down by its window. A WebSocket in a browser has nothing like it, so a gateway that writes whatever
 * it reads keeps the replies to a slow page in its own memory. Here the bytes that wait are counted with each frame: above
 * the high-water mark the queue is full and the connection stops reading its servers, whose windows then close; below the
 * low-water mark it goes on. There is no polling: `ws` calls back when the kernel has taken a frame.
 *
 * The socket under the WebSocket is corked for a turn of the event loop, so that all frames of a turn leave in one write.
 */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { encodeFrame } from "@wirebook/protocol";
import type { GatewayFrame } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";

/** Bytes of a read that are copied behind their id, to be one fragment. Larger reads are a fragment of their own. */
export const copiedBytesMax = 8 * 1024;

const noBytes = new Uint8Array(0);

/** Who is told when the queue fills up and when it has capacity again. */
export interface SendQueueListener {
  /** The high-water mark was passed. */
  onFull(): void;
  /** Frames went on coming: the mark beyond was passed too. */
  onOverfull(): void;
  /** The low-water mark was reached again. */
  onFree(): void;
}

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

  /** Grows with what the kernel takes: as long as it does, the page's machine is alive. */
  get takenCount(): number {
    return this.#takenCount;
  }

  /** Sends a control frame; dropped when the WebSocket is closing. */
  send(frame: GatewayFrame): void {
    this.#send(encodeFrame(frame));
  }

  /** Sends what one read from TCP gave, as one message [G-3]. The bytes belong to the queue from now on. */
  sendBytes(id: number, read: Uint8Array): void {
    if (read.length <= copiedBytesMax) return this.#send(encodeRead(id, read));
    // In two fragments, so that a large read is not copied.
    this.#send(encodeRead(id, noBytes), { fin: false });
    this.#send(read, { fin: true }, (error) => {
      free(read);
      this.#onTaken(error);
    });
  }

  #send(data: string | Uint8Array, options = {}, onTaken?: (error?: Error) => void): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    const isFirst = this.#cork();
    this.#checkMarks(data.length);
    // A callback for every frame would cost as much as the frame. Which ones are taken matters while the queue is full.
    this.#webSocket.send(data, options, onTaken ?? (isFirst || this.#isFull ? this.#onTaken : undefined));
  }

  /** Returns true for the first frame of a turn. */
  #cork(): boolean {
    if (this.#isCorked) return false;
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
    const waiting = this.waitingBytes + addedBytes;
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
    if (!this.#isFull || this.waitingBytes > this.#limits.lowWaterBytes) return;
    this.#isFull = false;
    this.#isOverfull = false;
    this.#listener.onFree();
  };
}

/** `encodeBytes` of the protocol, in memory from Node's pool: a third of what a small frame costs otherwise. */
function encodeRead(id: number, read: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(4 + read.length);
  frame.writeUInt32BE(id);
  frame.set(read, 4);
  return frame;
}

/**
 * Gives the memory of a large read back at once, where the bytes have it to themselves. Left to the collector, the memory
 * of a large reply makes it mark the whole heap over and over.
 */
function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
