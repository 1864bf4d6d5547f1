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

/** A place in a generation, which it holds until it is disposed of or its chunks are read or left. */
abstract class FileReader implements AsyncDisposable {
  readonly from: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  protected generation: Generation;
  protected offset: number;
  protected isReleased = false;
  readonly #chunkBytes: number;

  constructor(generation: Generation, { from, offset, chunkBytes }: Start) {
    generation.retain();
    this.generation = generation;
    this.from = from;
    this.offset = offset;
    this.#chunkBytes = chunkBytes;
    this.chunks = this.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isReleased) return;
    this.isReleased = true;
    await this.generation.release();
  }

  /** Gives the chunks, and lets go of the generation when they are read or left. */
  protected abstract read(): AsyncGenerator<Uint8Array>;

  /**
   * The next chunk before `end`; `undefined` at the end and after a release.
   *
   * @param confirm called when the last one was read, to find out whether all of them were right
   */
  protected async next(end: number, confirm?: (generation: Generation) => void): Promise<Uint8Array | undefined> {
    const length = Math.min(this.#chunkBytes, end - this.offset);
    if (length <= 0 || this.isReleased) return undefined;
    const chunk = await this.generation.read(this.offset, length);
    if (this.offset + length === end) confirm?.(this.generation);
    const { endState } = this.generation;
    if (endState?.kind === "edited") throw endState.error;
    this.offset += length;
    return this.isReleased ? undefined : chunk;
  }
}

/** The lines between two offsets of one generation. */
export class FileSnapshot extends FileReader implements Snapshot {
  readonly to: number;
  readonly lines: number;
  readonly time: string;
  readonly #end: number;
  readonly #confirm: (generation: Generation) => void;

  /**
   * @param end the offset behind the last line
   * @param confirm finds out whether another program has changed the file meanwhile; only then the last chunk is given
   */
  constructor(
    generation: Generation,
    start: Start & Pick<Snapshot, "to" | "lines" | "time">,
    end: number,
    confirm: (generation: Generation) => void,
  ) {
    super(generation, start);
    this.to = start.to;
    this.lines = start.lines;
    this.time = start.time;
    this.#end = end;
    this.#confirm = confirm;
  }

  protected override async *read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = await this.next(this.#end, this.#confirm);
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }
}

/** Lines from an offset on, through all generations that follow. */
export class FileFeed extends FileReader implements Feed {
  #wake: (() => void) | undefined;

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#wake?.();
  }

  protected override async *read(): AsyncGenerator<Uint8Array> {
    try {
      while (!this.isReleased) {
        const chunk = await this.next(this.generation.bytes);
        if (chunk !== undefined) yield chunk;
        else if (!(await this.#advance())) return;
      }
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  /** At the durable end of a generation: waits for more or goes to the next. False when there will be no more. */
  async #advance(): Promise<boolean> {
    if (this.isReleased) return false;
    // It may have grown, or grown and been superseded, since the last chunk was asked for.
    if (this.offset < this.generation.bytes) return true;
    const { endState } = this.generation;
    switch (endState?.kind) {
      case undefined:
        await this.#change(this.generation);
        return true;
      case "superseded": {
        const left = this.generation;
        endState.by.retain();
        this.generation = endState.by;
        this.offset = endState.offset;
        await left.release();
        return true;
      }
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
