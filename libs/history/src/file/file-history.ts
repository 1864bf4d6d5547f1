/** The engine `file`: a history in a file that one process owns. Opened by `openFileHistory`. */

import { encodeRequestEntry, encodeResultEntry } from "@wirebook/protocol";
import type { Keep } from "@wirebook/protocol";
import { HistoryError } from "../errors.ts";
import type {
  Actor,
  Archived,
  RequestEntry,
  HistorySize,
  Feed,
  History,
  Range,
  Recorded,
  Snapshot,
  AppendResult,
} from "../history.ts";
import { resolveFollow, resolveRange } from "../range.ts";
import { GroupCommit } from "./group-commit.ts";
import { openFeed, openSnapshot } from "./readers.ts";
import { Deletes } from "./deletes.ts";
import type { Generation } from "./generation.ts";
import type { FileHistorySettings } from "./options.ts";
import type { MonotonicClock } from "./monotonic-clock.ts";
import type { FileStorage } from "./storage.ts";

/** See `History` for the calls. */
export class FileHistory implements History {
  readonly engine = "file";
  readonly ended: Promise<HistoryError | undefined>;
  readonly #storage: FileStorage;
  readonly #appends: GroupCommit;
  readonly #deletes: Deletes;
  readonly #release: () => void;
  readonly #chunkBytes: number;
  readonly #reportEnd: (error: HistoryError | undefined) => void;
  readonly #looking: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  /** @param release called when it has let go of the file */
  constructor(storage: FileStorage, clock: MonotonicClock, release: () => void, settings: FileHistorySettings) {
    this.#storage = storage;
    this.#appends = new GroupCommit(storage, clock);
    this.#deletes = new Deletes(storage, clock, this.#appends, settings.rewritePieceBytes);
    this.#release = release;
    this.#chunkBytes = settings.readChunkBytes;
    const { promise, resolve } = Promise.withResolvers<HistoryError | undefined>();
    this.ended = promise;
    this.#reportEnd = resolve;
    void storage.failed.then(resolve);
    this.#looking = setInterval(() => this.#look(), settings.lookMs).unref();
  }

  size(): HistorySize {
    const { lines, bytes } = this.#storage.generation;
    return { lines, bytes };
  }

  async check(): Promise<void> {
    this.#assertOpen();
    this.#storage.adoptForeignLines();
    this.#storage.assertRoom();
  }

  append({ address, message, isCut }: RequestEntry): Promise<AppendResult> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    return this.#appends.add((time) => encodeRequestEntry(time, address, message, isCut));
  }

  async record({ address, user }: Actor, result: Recorded): Promise<AppendResult> {
    this.#assertOpen();
    return this.#appends.add((time) => encodeResultEntry(time, address, user, result));
  }

  async deleteLine(by: Actor, line: number, timestamp?: string): Promise<AppendResult> {
    this.#assertOpen();
    return this.#deletes.deleteLine(by, line, timestamp);
  }

  async deleteAll(by: Actor): Promise<AppendResult> {
    this.#assertOpen();
    return this.#deletes.deleteAll(by);
  }

  async archive(by: Actor, keep: Keep): Promise<Archived> {
    this.#assertOpen();
    return this.#deletes.archive(by, keep);
  }

  async read(range: Range = {}): Promise<Snapshot> {
    return this.#open(async (generation, time) => {
      const { lines, bytes } = generation;
      const positions = resolveRange(range, lines);
      const offset = await generation.startOf(positions.from);
      const end = positions.to === lines ? bytes : await generation.startOf(positions.to + 1);
      const start = { ...positions, lines, time, offset, chunkBytes: this.#chunkBytes };
      return openSnapshot(generation, start, end, (current) => this.#confirm(current));
    });
  }

  async follow(from?: number): Promise<Feed> {
    return this.#open(async (generation) => {
      const first = resolveFollow(from, generation.lines);
      const offset = await generation.startOf(first);
      return openFeed(generation, { from: first, offset, chunkBytes: this.#chunkBytes });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#looking);
    this.#appends.commit();
    await this.#deletes.settled();
    await this.#storage.close();
    this.#release();
    this.#reportEnd(undefined);
  }

  /** Opens a reader on the current generation, after the appends that were made before it. */
  async #open<Reader>(open: (generation: Generation, newestTime: string) => Promise<Reader>): Promise<Reader> {
    this.#assertOpen();
    this.#appends.commit();
    this.#storage.adoptForeignLines();
    const { generation, newestTime } = this.#storage;
    generation.retain();
    try {
      return await open(generation, newestTime);
    } finally {
      await generation.release();
    }
  }

  /** Ends what is read of the current generation when it is not what was counted. Others grow no more and have no name. */
  #confirm({ endState }: Generation): void {
    if (endState !== undefined) return;
    try {
      this.#storage.adoptForeignLines();
    } catch {
      // What was read is right; `ended` tells what is not.
    }
  }

  /** The file may be rotated or removed while no request comes, and the process may then be killed instead of stopped. */
  #look(): void {
    try {
      this.#storage.adoptRotation();
    } catch {
      // `ended` tells it, or the next request is told.
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closed();
    this.#storage.assertSound();
  }
}

function closed(): HistoryError {
  return new HistoryError("closed", "the history is closed");
}
