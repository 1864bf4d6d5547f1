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
    this.chunks = this.#read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isReleased) return;
    this.isReleased = true;
    await this.generation.release();
  }

  /** The offset before which bytes can be read now. */
  protected abstract get end(): number;

  /** Called at the end: waits for more. False when there will be no more. */
  protected abstract advance(): Promise<boolean>;

  /** Called when the last byte before the end was read, to find out whether what was read is right. */
  protected confirm(): void {}

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      while (!this.isReleased) {
        const length = Math.min(this.#chunkBytes, this.end - this.offset);
        if (length <= 0) {
          if (await this.advance()) continue;
          return;
        }
        const chunk = await this.generation.read(this.offset, length);
        this.offset += length;
        if (this.offset === this.end) this.confirm();
        const { endState } = this.generation;
        if (endState?.kind === "edited") throw endState.error;
        if (!this.isReleased) yield chunk;
      }
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }
}

/** The lines between two offsets of one generation. */
export class FileSnapshot extends FileReader implements Snapshot {
  readonly to: number;
  readonly lines: number;
  readonly time: string;
  protected readonly end: number;
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
    this.end = end;
    this.#confirm = confirm;
  }

  protected override async advance(): Promise<boolean> {
    return false;
  }

  protected override confirm(): void {
    this.#confirm(this.generation);
  }
}

/** Lines from an offset on, through all generations that follow. */
export class FileFeed extends FileReader implements Feed {
  protected get end(): number {
    return this.generation.bytes;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.generation.wake(); // It may be waiting itself.
    await super[Symbol.asyncDispose]();
  }

  /** Waits for this generation to grow, or goes on to the next. */
  protected override async advance(): Promise<boolean> {
    const { generation } = this;
    const { endState } = generation;
    switch (endState?.kind) {
      case undefined:
        await generation.changed;
        return true;
      case "superseded":
        endState.by.retain();
        this.generation = endState.by;
        this.offset = endState.offset;
        await generation.release();
        return true;
      case "closed":
        return false;
      case "edited":
      case "failed":
        throw endState.error;
    }
  }
}
