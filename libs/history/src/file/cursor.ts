/**
 * Readers: a generation, an offset, and one chunk at a time. Nothing is queued for a reader that is slow; what it has
 * not read is in the file.
 */

import type { Feed, Snapshot } from "../history.ts";
import type { Generation } from "./generation.ts";

/** A place in a generation, which it holds until it is released. */
class Cursor {
  readonly #chunkBytes: number;
  #generation: Generation;
  #offset: number;
  #isReleased = false;

  constructor(generation: Generation, offset: number, chunkBytes: number) {
    generation.retain();
    this.#generation = generation;
    this.#offset = offset;
    this.#chunkBytes = chunkBytes;
  }

  get generation(): Generation {
    return this.#generation;
  }

  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** True when there are durable bytes that it has not read. */
  get hasMore(): boolean {
    return this.#offset < this.#generation.bytes;
  }

  /**
   * The next chunk before `end`; `undefined` at the end and after a release.
   *
   * @param confirm called when the last one was read, to find out whether all of them were right
   */
  async next(end: number, confirm?: (generation: Generation) => void): Promise<Uint8Array | undefined> {
    const length = Math.min(this.#chunkBytes, end - this.#offset);
    if (length <= 0 || this.#isReleased) return undefined;
    const chunk = await this.#generation.read(this.#offset, length);
    if (this.#offset + length === end) confirm?.(this.#generation);
    const { endState } = this.#generation;
    if (endState?.kind === "edited") throw endState.error;
    this.#offset += length;
    return this.#isReleased ? undefined : chunk;
  }

  /** Goes on in another generation. */
  async move(generation: Generation, offset: number): Promise<void> {
    const left = this.#generation;
    generation.retain();
    this.#generation = generation;
    this.#offset = offset;
    await left.release();
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    await this.#generation.release();
  }
}

/** Where a snapshot's bytes are, and how they are read. */
interface SnapshotBytes {
  readonly start: number;
  readonly end: number;
  readonly chunkBytes: number;
  /** Finds out whether another program has changed the file meanwhile; only then the last chunk is given. */
  readonly confirm: (generation: Generation) => void;
}

/** The lines between two offsets of one generation. */
export class FileSnapshot implements Snapshot {
  readonly from: number;
  readonly to: number;
  readonly lines: number;
  readonly time: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly #cursor: Cursor;

  constructor(
    generation: Generation,
    { from, to, lines, time }: Omit<Snapshot, "chunks" | keyof AsyncDisposable>,
    { start, end, chunkBytes, confirm }: SnapshotBytes,
  ) {
    this.from = from;
    this.to = to;
    this.lines = lines;
    this.time = time;
    this.#cursor = new Cursor(generation, start, chunkBytes);
    this.chunks = readTo(this.#cursor, end, confirm);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cursor.release();
  }
}

/** Lines from an offset on, through all generations that follow. */
export class FileFeed implements Feed {
  readonly from: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly #cursor: Cursor;
  #wake: (() => void) | undefined;

  constructor(generation: Generation, from: number, start: number, chunkBytes: number) {
    this.from = from;
    this.#cursor = new Cursor(generation, start, chunkBytes);
    this.chunks = this.#read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cursor.release();
    this.#wake?.();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    const cursor = this.#cursor;
    try {
      while (!cursor.isReleased) {
        const chunk = await cursor.next(cursor.generation.bytes);
        if (chunk !== undefined) yield chunk;
        else if (!(await this.#advance())) return;
      }
    } finally {
      await cursor.release();
    }
  }

  /** At the durable end of a generation: waits for more or goes to the next. False when there will be no more. */
  async #advance(): Promise<boolean> {
    const { generation, isReleased, hasMore } = this.#cursor;
    if (isReleased) return false;
    // It may have grown, or grown and been superseded, since the last chunk was asked for.
    if (hasMore) return true;
    const { endState } = generation;
    switch (endState?.kind) {
      case undefined:
        await this.#change(generation);
        return true;
      case "superseded":
        await this.#cursor.move(endState.by, endState.offset);
        return true;
      case "closed":
        return false;
      case "edited":
      case "failed":
        throw endState.error;
    }
  }

  /** Resolves when the generation has changed, or this feed was disposed of. */
  async #change(generation: Generation): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      generation.onChange(resolve);
    });
    if (this.#wake !== undefined) generation.offChange(this.#wake);
    this.#wake = undefined;
  }
}

async function* readTo(cursor: Cursor, end: number, confirm: SnapshotBytes["confirm"]): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const chunk = await cursor.next(end, confirm);
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    await cursor.release();
  }
}
