import { encodeRequestEntry, encodeResultEntry, type Keep } from "@wirebook/protocol";
import { HistoryError, type HistoryErrorCode } from "../errors.ts";
import type { Actor, AppendResult, Archived, Feed, History, HistorySize } from "../history.ts";
import type { Range, Recorded, RequestEntry, Snapshot } from "../history.ts";
import { resolveFollow, resolveRange } from "../range.ts";
import { archive, deleteAll, deleteLine } from "./deletes.ts";
import type { Generation } from "./generation.ts";
import { GroupCommit } from "./group-commit.ts";
import { openReader } from "./readers.ts";
import type { FileStorage } from "./storage.ts";

/** The engine `file`: a history in a file that one process owns. */
export class FileHistory implements History {
  readonly engine = "file";
  readonly ended: Promise<HistoryError | undefined>;
  readonly #storage: FileStorage;
  readonly #appends: GroupCommit;
  readonly #looking: NodeJS.Timeout;
  /** The last delete or archiving; the next one comes after it. */
  #deleting: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(storage: FileStorage) {
    this.#storage = storage;
    this.#appends = new GroupCommit(storage);
    this.ended = storage.ended;
    // The file may be rotated or removed while no request comes, and the process may then be killed instead of stopped.
    this.#looking = setInterval(() => this.#try(() => storage.lookForRotation()), storage.settings.lookMs).unref();
  }

  size(): HistorySize {
    const { lines, bytes } = this.#storage.generation;
    return { lines, bytes };
  }

  async check(): Promise<void> {
    this.#assertOpen();
    this.#storage.look();
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

  deleteLine(by: Actor, line: number, timestamp?: string): Promise<AppendResult> {
    return this.#delete(() => deleteLine(this.#storage, by, line, timestamp));
  }

  deleteAll(by: Actor): Promise<AppendResult> {
    return this.#delete(() => deleteAll(this.#storage, by));
  }

  archive(by: Actor, keep: Keep): Promise<Archived> {
    return this.#delete(() => archive(this.#storage, by, keep));
  }

  async read(range: Range = {}): Promise<Snapshot> {
    this.#assertOpen();
    return this.#use(async (generation) => {
      const { lines, bytes } = generation;
      const { last: time } = this.#storage.clock;
      const positions = resolveRange(range, lines);
      const offset = await generation.startOf(positions.from);
      const end = positions.to === lines ? bytes : await generation.startOf(positions.to + 1);
      return { ...positions, lines, time, ...this.#reader(generation, offset, end) };
    });
  }

  async follow(from?: number): Promise<Feed> {
    this.#assertOpen();
    return this.#use(async (generation) => {
      const first = resolveFollow(from, generation.lines);
      return { from: first, ...this.#reader(generation, await generation.startOf(first), Infinity) };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#looking);
    this.#appends.commit();
    await this.#deleting;
    await this.#storage.close();
  }

  /** Runs a delete behind the delete before it. */
  async #delete<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#assertOpen();
    const deleting = this.#deleting.then(() => this.#use(work));
    this.#deleting = deleting.catch(() => {}); // Its caller gets the error.
    return deleting;
  }

  /**
   * Does something with the current generation, after the appends that were made before. Its file stays open, even when
   * another program takes it away.
   */
  async #use<Result>(work: (generation: Generation) => Promise<Result>): Promise<Result> {
    this.#appends.commit();
    this.#storage.look();
    const { generation } = this.#storage;
    generation.retain();
    try {
      return await work(generation);
    } finally {
      await generation.release();
    }
  }

  #reader(generation: Generation, offset: number, end: number): ReturnType<typeof openReader> {
    const { readChunkBytes: chunkBytes } = this.#storage.settings;
    // A generation that has ended grows no more, and has no name under which another program could change it.
    const confirm = ({ endState }: Generation): void => {
      if (endState === undefined) this.#try(() => this.#storage.look(), ["line-changed"]);
    };
    return openReader(generation, { offset, end, chunkBytes, confirm });
  }

  /** Looks without a request: `ended` tells of a failure, or the next request does. @throws HistoryError with one of those codes */
  #try(look: () => void, thrown: readonly HistoryErrorCode[] = []): void {
    try {
      look();
    } catch (error) {
      if (error instanceof HistoryError && thrown.includes(error.code)) throw error;
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
