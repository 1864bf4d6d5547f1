/**
 * One file that was, or still is, the history: a descriptor, its index, and how many of its bytes are durable.
 *
 * Appends grow the current generation. A delete writes another one, which supersedes it [H-11]; the old one keeps its
 * bytes for its readers, although its name is gone. Each user of a generation holds a reference: the storage
 * on the current one, each reader on its own, each read while it runs, and a superseded generation on its successor, so
 * that a slow feed finds every generation after its own. The last to let go closes the descriptor.
 */

import type { Stats } from "node:fs";
import { HistoryError } from "../errors.ts";
import { closeFile, readInto, reasonOf } from "./disk.ts";
import { endOfLine } from "./line-index.ts";
import type { LineIndex } from "./line-index.ts";

/** Why a generation grows no more. */
export type EndState =
  | {
      readonly kind: "superseded";
      readonly by: Generation;
      /** Where in the successor the lines begin that are not in this generation: the result of the delete. */
      readonly offset: number;
    }
  | { readonly kind: "closed" }
  /** Another program changed what was counted: who reads would get the wrong lines. */
  | { readonly kind: "edited"; readonly error: HistoryError }
  | { readonly kind: "failed"; readonly error: HistoryError };

/** See above. A new one has one reference, its creator's. */
export class Generation {
  readonly fd: number;
  readonly identity: Pick<Stats, "dev" | "ino">;
  #index: LineIndex;
  #changed = Promise.withResolvers<void>();
  #references = 1;
  #endState: EndState | undefined;

  /** @param index of all the bytes of the file, which are durable */
  constructor(fd: number, { dev, ino }: Pick<Stats, "dev" | "ino">, index: LineIndex) {
    this.fd = fd;
    this.identity = { dev, ino };
    this.#index = index;
  }

  /** Bytes that are durable: always whole lines. */
  get bytes(): number {
    return this.#index.bytes;
  }

  get lines(): number {
    return this.#index.lines;
  }

  /** `undefined` while it may still grow. */
  get endState(): EndState | undefined {
    return this.#endState;
  }

  /** Resolves when it has grown or ended, and perhaps before. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** True for the file that the system says was found under a name. */
  isAt(found: Stats | undefined): found is Stats {
    return found?.ino === this.identity.ino && found.dev === this.identity.dev;
  }

  /** True when an index of as many bytes has the same lines in each of its blocks. */
  isIndexedLike(index: LineIndex): boolean {
    return this.#index.equals(index);
  }

  /** Lets whoever waits for a change look again. */
  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Counts bytes that have become durable behind the others. */
  grow(bytes: Uint8Array): void {
    this.#index.add(bytes);
    this.wake();
  }

  /** `grow`, where they are counted already. */
  growTo(index: LineIndex): void {
    this.#index = index;
    this.wake();
  }

  /** Says why it will not grow any more; only the first call counts. */
  end(endState: EndState): void {
    if (this.#endState !== undefined) return;
    if (endState.kind === "superseded") endState.by.retain();
    this.#endState = endState;
    this.wake();
  }

  /** Reads durable bytes. @throws HistoryError `storage-failed` */
  async read(position: number, length: number): Promise<Uint8Array> {
    return this.readInto(Buffer.allocUnsafe(length), position);
  }

  /** Fills the bytes with durable ones, and gives them back. @throws HistoryError `storage-failed` */
  async readInto(bytes: Uint8Array, position: number): Promise<Uint8Array> {
    this.retain();
    try {
      await readInto(bytes, this.fd, position);
      return bytes;
    } catch (error) {
      throw new HistoryError("storage-failed", `the history cannot be read: ${reasonOf(error)}`, { cause: error });
    } finally {
      await this.release();
    }
  }

  /** Offset of the beginning of a line from 1 to `lines + 1`. @throws HistoryError `storage-failed` */
  async startOf(line: number): Promise<number> {
    const { offset, lineFeeds } = this.#index.locate(line);
    if (lineFeeds === 0) return offset;
    const block = await this.read(offset, Math.min(this.#index.blockBytes, this.bytes - offset));
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
    if (this.#endState?.kind === "superseded") await this.#endState.by.release();
  }
}
