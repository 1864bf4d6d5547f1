/**
 * Readers: a generation, an offset, and one chunk at a time. Nothing is queued for a reader that is slow; what it has
 * not read is in the file.
 */

import type { Feed, Snapshot } from "../history.ts";
import type { Generation } from "./generation.ts";

/** Where a reader begins, and how much it reads at once. */
interface Start {
  readonly from: number;
  readonly offset: number;
  readonly chunkBytes: number;
}

/** A place in a generation, which it holds until it is released. */
class Cursor {
  generation: Generation;
  isReleased = false;

  constructor(generation: Generation) {
    generation.retain();
    this.generation = generation;
  }

  /** @throws HistoryError `line-changed` when what was read may not be what was counted */
  assertNotEdited(): void {
    const { endState } = this.generation;
    if (endState?.kind === "edited") throw endState.error;
  }

  async goOnIn(next: Generation): Promise<void> {
    const before = this.generation;
    next.retain();
    this.generation = next;
    await before.release();
  }

  async release(): Promise<void> {
    if (this.isReleased) return;
    this.isReleased = true;
    this.generation.wake(); // It may be waiting itself.
    await this.generation.release();
  }
}

/**
 * The lines between two offsets of one generation.
 *
 * @param end the offset behind the last line
 * @param confirm finds out whether another program has changed the file meanwhile; only then the last chunk is given
 */
export function openSnapshot(
  generation: Generation,
  { from, offset, chunkBytes, ...facts }: Start & Pick<Snapshot, "to" | "lines" | "time">,
  end: number,
  confirm: (generation: Generation) => void,
): Snapshot {
  const cursor = new Cursor(generation);
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = offset; at < end && !cursor.isReleased; at += chunkBytes) {
        const length = Math.min(chunkBytes, end - at);
        const chunk = await generation.read(at, length);
        if (at + length === end) confirm(generation);
        cursor.assertNotEdited();
        yield chunk;
      }
    } finally {
      await cursor.release();
    }
  }
  return { from, ...facts, chunks: read(), [Symbol.asyncDispose]: () => cursor.release() };
}

/** Lines from an offset on, through all generations that follow. */
export function openFeed(generation: Generation, { from, offset, chunkBytes }: Start): Feed {
  const cursor = new Cursor(generation);
  async function* read(): AsyncGenerator<Uint8Array> {
    let at = offset;
    try {
      while (!cursor.isReleased) {
        const { endState, bytes, changed } = cursor.generation;
        const length = Math.min(chunkBytes, bytes - at);
        if (length > 0) {
          const chunk = await cursor.generation.read(at, length);
          cursor.assertNotEdited();
          at += length;
          if (!cursor.isReleased) yield chunk;
        } else if (endState === undefined) await changed;
        else if (endState.kind === "superseded") {
          at = endState.offset;
          await cursor.goOnIn(endState.by);
        } else if (endState.kind === "closed") return;
        else throw endState.error;
      }
    } finally {
      await cursor.release();
    }
  }
  return { from, chunks: read(), [Symbol.asyncDispose]: () => cursor.release() };
}
