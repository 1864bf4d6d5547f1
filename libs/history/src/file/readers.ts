/**
 * Readers: a generation, an offset, and one chunk at a time. Nothing is queued for a reader that is slow; what it has
 * not read is in the file.
 */

import { editedMeanwhile, HistoryError } from "../errors.ts";
import type { Feed } from "../history.ts";
import type { Generation } from "./generation.ts";

/** Where a reader begins, how much it reads at once, and where it ends: `Infinity` for one that follows. */
interface Start {
  readonly offset: number;
  readonly end: number;
  readonly chunkBytes: number;
  /** Finds out, before the chunk that reaches the end is given, whether another program has changed the file meanwhile. */
  readonly confirm: (generation: Generation) => void;
}

/** The lines from an offset on, through all generations that follow. It retains each while it stands in it. */
export function openReader(
  generation: Generation,
  { offset, end, chunkBytes, confirm }: Start,
): Pick<Feed, "chunks" | typeof Symbol.asyncDispose> {
  let current = generation;
  let isReleased = false;
  current.retain();

  async function release(): Promise<void> {
    if (isReleased) return;
    isReleased = true;
    current.wake(); // It may be waiting itself.
    await current.release();
  }

  async function* read(): AsyncGenerator<Uint8Array> {
    let at = offset;
    try {
      while (!isReleased && at < end) {
        const { endState, bytes, changed } = current;
        const length = Math.min(chunkBytes, bytes - at, end - at);
        if (length > 0) {
          const chunk = await current.read(at, length);
          at += length;
          if (at === end) confirm(current);
          if (current.endState === "edited") throw editedMeanwhile();
          if (!isReleased) yield chunk;
        } else if (endState === undefined) await changed;
        else if (endState === "closed") return;
        else if (endState === "edited") throw editedMeanwhile();
        else if (endState instanceof HistoryError) throw endState;
        else {
          const before = current;
          current = endState.by;
          at = endState.offset;
          current.retain();
          await before.release();
        }
      }
    } finally {
      await release();
    }
  }

  return { chunks: read(), [Symbol.asyncDispose]: release };
}
