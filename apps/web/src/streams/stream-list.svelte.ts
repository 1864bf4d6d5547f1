/**
 * Streams in the order in which they began, within bounds: past the number the oldest that is over goes, past the bytes the
 * oldest lose theirs, those that are over first. What is selected keeps its own.
 */

import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";
import type { Stream } from "./stream.svelte.ts";

/** Bytes that come before all streams are looked at again: after each frame it would cost more than the frame. */
const lookEveryBytes = 1024 * 1024;

export class StreamList {
  readonly #streamsMax: number;
  readonly #bytesMax: number;
  readonly #isSelected: (stream: Stream) => boolean;
  readonly #redraw = new RedrawThrottle();
  readonly #all = new Set<Stream>();
  /** Another store of the gateway may give the id of a flow again: the older one stays in the list. */
  readonly #byId = new Map<number, Stream>();
  #droppedCount = 0;
  #newBytes = 0;

  constructor(streamsMax: number, bytesMax: number, isSelected: (stream: Stream) => boolean = () => false) {
    this.#streamsMax = streamsMax;
    this.#bytesMax = bytesMax;
    this.#isSelected = isSelected;
  }

  get all(): readonly Stream[] {
    this.#redraw.listen();
    return [...this.#all];
  }

  /** Those that went because there were too many. */
  get droppedCount(): number {
    this.#redraw.listen();
    return this.#droppedCount;
  }

  get(id: number): Stream | undefined {
    return this.#byId.get(id);
  }

  add(stream: Stream): void {
    this.#all.add(stream);
    this.#byId.set(stream.id, stream);
    if (this.#all.size > this.#streamsMax) {
      const oldest = this.all.find((each) => each.state !== "running" && !this.#isSelected(each)) ?? this.all[0];
      if (oldest !== undefined) this.remove(oldest);
      this.#droppedCount += 1;
    }
    this.grew(stream, stream.record.bytesKept);
    this.#redraw.mark();
  }

  putFirst(streams: readonly Stream[]): void {
    const now = [...this.#all];
    this.#all.clear();
    for (const stream of [...streams, ...now]) this.add(stream);
  }

  remove(stream: Stream): void {
    this.#all.delete(stream);
    this.forget(stream);
    this.#redraw.mark();
  }

  /** Its id is another one's from now on. */
  forget(stream: Stream): void {
    if (this.#byId.get(stream.id) === stream) this.#byId.delete(stream.id);
  }

  clear(): void {
    for (const stream of this.#all) if (stream.state !== "running") this.remove(stream);
    this.#droppedCount = 0;
  }

  /** The gateway tells no more of those that run, except of some that it keeps. */
  lose(message: string, atMs?: number, kept: ReadonlySet<number> = new Set()): void {
    for (const stream of this.#all) {
      if (stream.state !== "running" || kept.has(stream.id)) continue;
      stream.end({ kind: "failed", hop: "page-gateway", code: "gateway-lost", message }, atMs);
    }
    this.#redraw.mark();
  }

  mark(): void {
    this.#redraw.mark();
  }

  /** So many bytes came to a stream, which keeps them. */
  grew(growing: Stream, byteCount: number): void {
    this.#newBytes += byteCount;
    if (this.#newBytes < lookEveryBytes) return;
    this.#newBytes = 0;
    const having = [...this.#all].filter(({ record }) => record.bytesKept > 0);
    let surplus = having.reduce((sum, { record }) => sum + record.bytesKept, 0) - this.#bytesMax;
    for (const isOver of [true, false]) {
      for (const stream of having) {
        if (surplus <= 0) return;
        const isFree = stream !== growing && !this.#isSelected(stream);
        if (isFree && (stream.state !== "running") === isOver) surplus -= stream.release();
      }
    }
  }
}
