/**
 * One file that was, or still is, the history: a descriptor, its index, and how many of its bytes are durable.
 *
 * Appends grow the current generation. A delete writes another one, which supersedes it [H-11]; the old one keeps its
 * bytes for its readers. The storage holds a reference on the current one, each reader on its own, each read while it runs,
 * and a superseded generation on its successor, for slow feeds. The last to let go closes the descriptor.
 */

import type { Stats } from "node:fs";
import { HistoryError } from "../errors.ts";
import { closeFile, fill, reasonOf } from "./disk.ts";
import { endOfLine, type LineIndex } from "./line-index.ts";

/** The generation that supersedes another one, and where in it the lines begin that are not in the other: the result. */
interface Successor {
  readonly by: Generation;
  readonly offset: number;
}

/** Why a generation grows no more. After `edited`, who reads would get the wrong lines: another program changed them. */
export type EndState = Successor | HistoryError | "closed" | "edited";

/** A new one has one reference, its creator's. */
export class Generation {
  readonly fd: number;
  /** Of all bytes that are durable: always whole lines. */
  index: LineIndex;
  /** `undefined` while it may still grow. */
  endState: EndState | undefined;
  readonly #identity: Pick<Stats, "dev" | "ino">;
  #changed = Promise.withResolvers<void>();
  #references = 1;

  constructor(fd: number, identity: Pick<Stats, "dev" | "ino">, index: LineIndex) {
    this.fd = fd;
    this.#identity = identity;
    this.index = index;
  }

  get bytes(): number {
    return this.index.bytes;
  }

  get lines(): number {
    return this.index.lines;
  }

  /** Resolves when it has grown or ended, and perhaps before. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** True for the file that the system says was found under a name. */
  isAt(found: Stats | undefined): found is Stats {
    return found?.ino === this.#identity.ino && found.dev === this.#identity.dev;
  }

  /** Lets whoever waits for a change look again. */
  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Says why it will not grow any more; only the first call counts. */
  end(endState: EndState): void {
    if (this.endState !== undefined) return;
    this.endState = endState;
    this.#successor?.retain();
    this.wake();
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#fill(Buffer.allocUnsafe(length), position);
  }

  /** Reads durable bytes a piece at a time. Each piece is over with the next. */
  async *pieces(from: number, to: number, pieceBytes: number): AsyncGenerator<Buffer, undefined> {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, to - from));
    for (let at = from; at < to; at += buffer.length) yield this.#fill(buffer.subarray(0, to - at), at);
  }

  /** Offset of the beginning of a line from 1 to `lines + 1`. */
  async startOf(line: number): Promise<number> {
    const { offset, lineFeeds } = this.index.locate(line);
    if (lineFeeds === 0) return offset;
    const block = await this.read(offset, Math.min(this.index.blockBytes, this.bytes - offset));
    return offset + endOfLine(block, lineFeeds);
  }

  retain(): void {
    this.#references += 1;
  }

  /** Lets go; resolves when whatever had to be closed is closed. */
  async release(): Promise<void> {
    this.#references -= 1;
    if (this.#references > 0) return;
    await closeFile(this.fd).catch(() => {
      // Best effort: all that matters in the file was synced.
    });
    await this.#successor?.release();
  }

  get #successor(): Generation | undefined {
    return typeof this.endState === "object" && "by" in this.endState ? this.endState.by : undefined;
  }

  async #fill(bytes: Buffer, position: number): Promise<Buffer> {
    this.retain();
    try {
      await fill(bytes, this.fd, position);
      return bytes;
    } catch (error) {
      throw new HistoryError("storage-failed", `the history cannot be read: ${reasonOf(error)}`, { cause: error });
    } finally {
      await this.release();
    }
  }
}
