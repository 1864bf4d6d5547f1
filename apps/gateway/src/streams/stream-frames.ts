/** The frames of one exchange to its page, with the time at which each was sent [G-8]. */

import type { Trace } from "@wirebook/net";
import { timedFramesMax } from "@wirebook/protocol";
import type { EndReason, FrameErrorCode, Measures } from "@wirebook/protocol";
import { hopOf } from "../websocket/errors.ts";
import type { SendQueue } from "../websocket/send-queue.ts";

/** What a stream tells its page, in the order of the calls. */
export class StreamFrames {
  readonly #id: number;
  readonly #queue: SendQueue;
  readonly #times: [atMs: number, waitingBytes: number][] = [];
  #untimed = 0;

  constructor(id: number, queue: SendQueue) {
    this.#id = id;
    this.#queue = queue;
  }

  /** The connection is established. */
  sendOpen({ local, remote, at }: Trace): void {
    // A connection that was reset as soon as it was made has no addresses; its error comes next.
    if (local === undefined || remote === undefined) return;
    this.#note();
    this.#queue.send({ type: "open", id: this.#id, local, remote, at });
  }

  /** The bytes of one read. */
  sendBytes(chunk: Uint8Array): void {
    this.#note();
    this.#queue.sendBytes(this.#id, chunk);
  }

  /** The exchange is over. */
  sendEnd(reason: EndReason, trace: Trace): void {
    this.#queue.send({ type: "end", id: this.#id, reason, at: trace.at, ...this.#measures(trace) });
  }

  /** It failed; `retryAfterMs` when a retry helps. */
  sendError(code: FrameErrorCode, message: string, trace: Trace, retryAfterMs?: number): void {
    this.#queue.send({
      type: "error",
      id: this.#id,
      code,
      hop: hopOf[code],
      message,
      at: trace.at,
      ...this.#measures(trace),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  #measures({ sentBytes, receivedBytes, writes, untimedWrites, chunks, untimedChunks }: Trace): Measures {
    this.#note();
    const frames = { frames: this.#times, untimedFrames: this.#untimed };
    return { sentBytes, receivedBytes, writes, untimedWrites, chunks, untimedChunks, ...frames };
  }

  #note(): void {
    if (this.#times.length < timedFramesMax) this.#times.push([performance.now(), this.#queue.waitingBytes]);
    else this.#untimed += 1;
  }
}
