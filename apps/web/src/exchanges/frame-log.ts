/**
 * The WebSocket frames of one exchange, as they travelled, within bounds.
 *
 * The first and the newest frames stay, and the first and the newest bytes of their payloads. What lies between goes and
 * is counted, so that the page can say what is missing.
 */

/** What one read from TCP gave the gateway, in one byte frame. */
export interface TcpRead {
  /** From 0, among the reads of the reply. */
  readonly index: number;
  /** Bytes of the reply before it. */
  readonly offset: number;
  readonly bytes: number;
}

export interface LoggedFrame {
  /** From 0, among the frames of the exchange. */
  readonly index: number;
  readonly direction: "sent" | "received";
  readonly kind: "text" | "binary";
  /** The type of a control frame; `bytes` for a byte frame. */
  readonly name: string;
  readonly atMs: number;
  readonly bytes: number;
  readonly read: TcpRead | undefined;
  /** The payload; `undefined` once it was dropped. */
  payload: string | Uint8Array | undefined;
}

/** Frames kept from the start and from the end, and bytes of their payloads. */
interface FrameLogBounds {
  readonly framesAtEachEnd: number;
  readonly headBytes: number;
  readonly tailBytes: number;
}

/**
 * By who makes the exchange. A reply that the user requested is kept from its start, so that a big history can be looked
 * at and saved; a follow has no end, so its newest bytes stay. What the page reads for itself it holds elsewhere.
 */
export const frameLogBounds = {
  user: { framesAtEachEnd: 8192, headBytes: 32 * 1024 * 1024, tailBytes: 256 * 1024 },
  page: { framesAtEachEnd: 1024, headBytes: 128 * 1024, tailBytes: 128 * 1024 },
} as const satisfies Record<string, FrameLogBounds>;

export class FrameLog {
  count = 0;
  /** Frames of which nothing is left. */
  droppedFrames = 0;
  keptBytes = 0;
  droppedBytes = 0;
  readonly #bounds: FrameLogBounds;
  readonly #head: LoggedFrame[] = [];
  readonly #tail: LoggedFrame[] = [];
  /** Frames of the tail from which bytes can be taken begin here. */
  #tailLoaded = 0;
  #tailBytes = 0;

  constructor(bounds: FrameLogBounds = frameLogBounds.user) {
    this.#bounds = bounds;
  }

  /** Frames that are kept, in order; a new array each time, so that the drawing sees a change. */
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

  /** Drops every payload and returns how many bytes. */
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
    for (const { read, payload } of this.frames) {
      if (read === undefined || payload === undefined || typeof payload === "string") continue;
      const begin = Math.max(from, read.offset);
      const end = Math.min(to, read.offset + read.bytes);
      if (begin >= end) continue;
      const header = payload.length - read.bytes;
      parts.push(payload.subarray(header + begin - read.offset, header + end - read.offset));
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
    const [dropped] = this.#tail.splice(0, 1) as [LoggedFrame];
    this.droppedFrames += 1;
    if (this.#tailLoaded > 0) this.#tailLoaded -= 1;
    else this.#unload(dropped);
  }

  #unload(frame: LoggedFrame): void {
    frame.payload = undefined;
    this.#tailBytes -= frame.bytes;
    this.keptBytes -= frame.bytes;
    this.droppedBytes += frame.bytes;
  }
}
