/** The exchanges of one page, by the page's ids: those that run, and those that have just ended [G-5]. */

import type { GatewayLimits } from "../limits.ts";
import { FrameError } from "../websocket/errors.ts";
import type { Stream } from "./stream.ts";

/** The streams of one connection. */
export class StreamTable {
  readonly #limits: GatewayLimits;
  readonly #running = new Map<number, Stream>();
  /** The last ids to end, and those before; a set that drops its oldest one by one becomes slow with the gaps. */
  #endedIds = new Set<number>();
  #endedBeforeIds: ReadonlySet<number> = new Set();
  #turns = 0;

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
  }

  /** Exchanges that run. */
  get count(): number {
    return this.#running.size;
  }

  /** Those that run, oldest first; streams may start and end while a caller walks the array. */
  all(): Stream[] {
    return [...this.#running.values()];
  }

  /** Those that run, each time starting with another one, so that none is always served last. */
  inTurn(): Stream[] {
    const streams = this.all();
    const first = this.#turns++ % Math.max(1, streams.length);
    return [...streams.slice(first), ...streams.slice(0, first)];
  }

  /** @throws FrameError `id-in-use` */
  expectNew(id: number): void {
    if (!this.#running.has(id)) return;
    throw new FrameError("id-in-use", null, `exchange ${id} still runs; give the new one another id`);
  }

  /** @throws FrameError `too-many-exchanges` */
  add(stream: Stream): void {
    const { exchangesMax } = this.#limits;
    if (this.#running.size >= exchangesMax) {
      const message = `${exchangesMax} exchanges run on this WebSocket; wait until one of them ends`;
      throw new FrameError("too-many-exchanges", stream.id, message);
    }
    this.#running.set(stream.id, stream);
  }

  /** Its exchange has ended or was refused. Frames for it may still be on their way. */
  remove(id: number): void {
    this.#running.delete(id);
    if (this.#endedIds.size >= this.#limits.endedIdsMax) {
      this.#endedBeforeIds = this.#endedIds;
      this.#endedIds = new Set();
    }
    this.#endedIds.add(id);
  }

  /**
   * The stream with that id; `undefined` when it has just ended, so that the frame crossed its end on the way.
   *
   * @throws FrameError `id-unknown`
   */
  find(id: number): Stream | undefined {
    const stream = this.#running.get(id);
    if (stream !== undefined || this.#endedIds.has(id) || this.#endedBeforeIds.has(id)) return stream;
    throw new FrameError("id-unknown", null, `unknown exchange ${id}; start it with a request or a raw frame`);
  }

  /**
   * The stream with that id, to which the page may still write.
   *
   * @throws FrameError `id-unknown`, or `frame-invalid` for a request, a write schedule, and a stream that the page has ended
   */
  findWritable(id: number): Stream | undefined {
    const stream = this.find(id);
    if (stream === undefined) return undefined;
    if (!stream.request.isRaw) {
      throw new FrameError(
        "frame-invalid",
        null,
        `exchange ${id} is a request, which is one line; use a raw frame to send more`,
      );
    }
    if (stream.request.plan !== undefined) {
      throw new FrameError(
        "frame-invalid",
        null,
        `exchange ${id} follows its write schedule; nothing can be added to it`,
      );
    }
    if (stream.isEnded) {
      throw new FrameError("frame-invalid", null, `this page ended exchange ${id}; nothing can follow its FIN`);
    }
    return stream;
  }
}
