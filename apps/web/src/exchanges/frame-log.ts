/**
 * The WebSocket frames of one exchange, as they travelled, within bounds.
 *
 * The first and the newest frames stay (`framesKeptAtEachEnd`), and of their payloads the first `replyHeadBytesKept`
 * and the newest `replyTailBytesKept` bytes. What lies between goes and is counted, so that whoever shows the log can
 * say what is missing.
 */

import {
  framesKeptAtEachEnd,
  ownFramesKeptAtEachEnd,
  ownReplyBytesKept,
  replyHeadBytesKept,
  replyTailBytesKept,
} from "../limits.ts";

/** What one byte frame brought from TCP. */
export interface Chunk {
  /** Its rank among the chunks of the reply, from 0. */
  readonly index: number;
  /** Bytes of the reply before it. */
  readonly offset: number;
  readonly bytes: number;
}

/** One WebSocket message. */
export interface LoggedFrame {
  /** Its rank among the frames of the exchange, from 0. */
  readonly index: number;
  readonly direction: "sent" | "received";
  readonly kind: "text" | "binary";
  /** The type of a control frame; `bytes` for a byte frame. */
  readonly name: string;
  /** The page's time in milliseconds. */
  readonly atMs: number;
  /** Length of the payload. */
  readonly bytes: number;
  readonly chunk: Chunk | undefined;
  /** The payload; `undefined` once it was let go. */
  payload: string | Uint8Array | undefined;
}

/** Bounds of a log; a test passes smaller ones. */
export interface FrameLogBounds {
  readonly framesAtEachEnd: number;
  readonly headBytes: number;
  readonly tailBytes: number;
}

const boundsDefault: FrameLogBounds = {
  framesAtEachEnd: framesKeptAtEachEnd,
  headBytes: replyHeadBytesKept,
  tailBytes: replyTailBytesKept,
};

/** Of the exchanges that the page makes for itself. */
export const boundsOfOwn: FrameLogBounds = {
  framesAtEachEnd: ownFramesKeptAtEachEnd,
  headBytes: ownReplyBytesKept,
  tailBytes: ownReplyBytesKept,
};

export class FrameLog {
  /** Frames that came in all. */
  count = 0;
  /** Frames of which nothing is left. */
  droppedFrames = 0;
  /** Bytes of payload in memory. */
  keptBytes = 0;
  /** Bytes of payload that were let go. */
  droppedBytes = 0;
  readonly #bounds: FrameLogBounds;
  readonly #head: LoggedFrame[] = [];
  readonly #tail: LoggedFrame[] = [];
  /** Frames of the tail from which bytes can be taken begin here. */
  #tailLoaded = 0;
  #tailBytes = 0;

  constructor(bounds: FrameLogBounds = boundsDefault) {
    this.#bounds = bounds;
  }

  /** Frames that are kept, in order; a new array each time, so that whoever draws it sees that it changed. */
  get frames(): readonly LoggedFrame[] {
    return [...this.#head, ...this.#tail];
  }

  /** Notes a frame and drops what no longer fits. */
  add(frame: Omit<LoggedFrame, "index">): void {
    const logged = { ...frame, index: this.count };
    this.count += 1;
    this.keptBytes += logged.bytes;
    const { framesAtEachEnd, headBytes } = this.#bounds;
    const fitsHead = this.#tail.length === 0 && this.#head.length < framesAtEachEnd && this.keptBytes <= headBytes;
    if (fitsHead) this.#head.push(logged);
    else this.#addToTail(logged);
  }

  /** Lets go of every payload and returns how many bytes that freed. */
  release(): number {
    const freed = this.keptBytes;
    for (const frame of this.frames) frame.payload = undefined;
    this.droppedBytes += freed;
    this.keptBytes = 0;
    this.#tailBytes = 0;
    this.#tailLoaded = this.#tail.length;
    return freed;
  }

  /** The reply's bytes from `from` up to, but not including, `to`, as far as they are kept. */
  replyParts(from: number, to: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (const { chunk, payload } of this.frames) {
      if (chunk === undefined || payload === undefined || typeof payload === "string") continue;
      const begin = Math.max(from, chunk.offset);
      const end = Math.min(to, chunk.offset + chunk.bytes);
      if (begin >= end) continue;
      const header = payload.length - chunk.bytes;
      parts.push(payload.subarray(header + begin - chunk.offset, header + end - chunk.offset));
    }
    return parts;
  }

  #addToTail(frame: LoggedFrame): void {
    const { framesAtEachEnd, tailBytes } = this.#bounds;
    this.#tail.push(frame);
    this.#tailBytes += frame.bytes;
    while (this.#tailBytes > tailBytes && this.#tailLoaded < this.#tail.length - 1) {
      this.#unload(this.#tail[this.#tailLoaded] as LoggedFrame);
      this.#tailLoaded += 1;
    }
    if (this.#tail.length <= framesAtEachEnd) return;
    const [gone] = this.#tail.splice(0, 1) as [LoggedFrame];
    this.droppedFrames += 1;
    if (this.#tailLoaded > 0) this.#tailLoaded -= 1;
    else this.#unload(gone);
  }

  #unload(frame: LoggedFrame): void {
    frame.payload = undefined;
    this.#tailBytes -= frame.bytes;
    this.keptBytes -= frame.bytes;
    this.droppedBytes += frame.bytes;
  }
}
