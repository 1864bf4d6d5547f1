/** The engine `jetstream`: a history in a replicated stream, shared by all servers that open it. Opened by `openJetStreamHistory`. */

import { HistoryError } from "@wirebook/history";
import type {
  Actor,
  RequestEntry,
  HistorySize,
  Feed,
  History,
  Range,
  Recorded,
  Snapshot,
  AppendResult,
} from "@wirebook/history";
import { resolveFollow, resolveRange } from "@wirebook/history";
import { deleteAll, deleteLine } from "./changes.ts";
import type { ChangeSource } from "./changes.ts";
import type { Cluster } from "./cluster.ts";
import { StreamFeed, StreamSnapshot } from "./cursor.ts";
import { assertMajority } from "./majority.ts";
import { encodeAskedMessage, encodeOutcomeMessage } from "./message.ts";
import { PublishRefused, Publisher } from "./publisher.ts";
import type { Replica } from "./replica.ts";
import type { Projection } from "./projection.ts";

/** See `History` for the calls. */
export class JetStreamHistory implements History {
  readonly engine = "jetstream";
  readonly ended: Promise<HistoryError | undefined>;
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #publisher: Publisher;
  readonly #appending = new Set<Promise<unknown>>();
  readonly #reportEnd: (error: HistoryError | undefined) => void;
  /** Deletes run one after another. */
  #changing: Promise<unknown> = Promise.resolve();
  /** Of however many who ask at once. */
  #checking: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(cluster: Cluster, replica: Replica) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#publisher = new Publisher(cluster);
    const { promise, resolve } = Promise.withResolvers<HistoryError | undefined>();
    this.ended = promise;
    this.#reportEnd = resolve;
    void replica.failed.then(resolve);
  }

  size(): HistorySize {
    const { lines, bytes } = this.#replica.view;
    return { lines, bytes };
  }

  async check(): Promise<void> {
    this.#assertOpen();
    this.#checking ??= assertMajority(this.#cluster).finally(() => (this.#checking = undefined));
    await this.#checking;
  }

  async append(asked: RequestEntry): Promise<AppendResult> {
    return this.#add(encodeAskedMessage(asked));
  }

  /** It changes no line, so it needs no subject that changes watch. */
  async record(by: Actor, outcome: Recorded): Promise<AppendResult> {
    return this.#add(encodeOutcomeMessage(by, outcome));
  }

  async deleteLine(by: Actor, line: number, head?: string): Promise<AppendResult> {
    return this.#change((source) => deleteLine(source, by, line, head));
  }

  async deleteAll(by: Actor): Promise<AppendResult> {
    return this.#change((source) => deleteAll(source, by));
  }

  async read(range: Range = {}): Promise<Snapshot> {
    return this.#open((view) => new StreamSnapshot(this.#source(view), resolveRange(range, view.lines)));
  }

  async follow(from?: number): Promise<Feed> {
    return this.#open((view) => new StreamFeed(this.#source(view), resolveFollow(from, view.lines)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #add(data: Uint8Array): Promise<AppendResult> {
    this.#assertOpen();
    const written = this.#publish(data);
    this.#appending.add(written);
    try {
      return await written;
    } finally {
      this.#appending.delete(written);
    }
  }

  async #publish(data: Uint8Array): Promise<AppendResult> {
    try {
      const sequence = await this.#publisher.publish(this.#cluster.names.line, data);
      return await this.#replica.seen(sequence);
    } catch (error) {
      if (!(error instanceof PublishRefused)) throw error;
      const code = /resource|storage|maximum/i.test(error.message) ? "storage-full" : "storage-failed";
      throw new HistoryError(code, `the cluster refused the line: ${error.message}`, { cause: error });
    }
  }

  /** A delete comes after the appends that were made before it, and after the deletes before it. */
  async #change(work: (source: ChangeSource) => Promise<AppendResult>): Promise<AppendResult> {
    this.#assertOpen();
    const before = [this.#changing, ...this.#appending];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#changing = promise;
    try {
      await Promise.allSettled(before);
      return await work({
        cluster: this.#cluster,
        publisher: this.#publisher,
        view: () => this.#replica.view,
        seen: (sequence) => this.#replica.seenOwnChange(sequence),
      });
    } finally {
      resolve();
    }
  }

  /** Opens a reader that sees all appends that were made before it. */
  async #open<Reader>(open: (view: Projection) => Reader): Promise<Reader> {
    this.#assertOpen();
    await Promise.allSettled(this.#appending);
    this.#assertOpen();
    return open(this.#replica.view);
  }

  #source(view: Projection): { cluster: Cluster; view: Projection; readers: Replica["readers"] } {
    return { cluster: this.#cluster, view, readers: this.#replica.readers };
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#appending, this.#changing]);
    this.#publisher.close();
    await this.#replica.close();
    await this.#cluster.release();
    this.#reportEnd(undefined);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new HistoryError("closed", "the history is closed");
    this.#replica.assertSound();
  }
}
