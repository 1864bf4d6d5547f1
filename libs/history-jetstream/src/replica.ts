/**
 * This server's part in the history: it hears every message in order, applies it to the view, and looks after what is to
 * be noted and erased.
 */

import { HistoryError } from "@wirebook/history";
import type { AppendResult } from "@wirebook/history";
import { PendingReads } from "./pending-reads.ts";
import type { Cluster } from "./cluster.ts";
import { watchConnection } from "./connection.ts";
import { TombstonePurge } from "./tombstone-purge.ts";
import type { HeardBucket } from "./bucket.ts";
import { StreamConsumer } from "./stream-consumer.ts";
import type { Place } from "./stream-consumer.ts";
import { checkpointLines } from "./limits.ts";
import { loadProjection } from "./load.ts";
import type { StoredMessage } from "./message.ts";
import { storedOf } from "./scan.ts";
import { ReadLeases } from "./read-leases.ts";
import { hearState, writeCheckpoint, writeRepair } from "./state.ts";
import { Projection } from "./projection.ts";

/** See above. */
export class Replica {
  readonly readers: ReadLeases;
  /** Settles with the error after which nothing is acknowledged; stays open while all is well. Never rejects. */
  readonly failed: Promise<HistoryError>;
  readonly #cluster: Cluster;
  readonly #onNotice: (sentence: string) => void;
  readonly #erasing: TombstonePurge;
  readonly #hearing: StreamConsumer;
  /** A consumer's node may be behind for long, though the consumer is well. */
  readonly #awaited = new PendingReads(() => this.#hearing.renew());
  readonly #repairing = new Set<Promise<void>>();
  readonly #reportFailure: (error: HistoryError) => void;
  #view!: Projection;
  #state: HeardBucket | undefined;
  #failure: HistoryError | undefined;
  #checkpointAt = 0;

  /** Starts: from here on it grows by itself. @throws HistoryError `storage-unavailable`, `storage-failed` */
  static async open(cluster: Cluster, onNotice: (sentence: string) => void): Promise<Replica> {
    const replica = new Replica(cluster, onNotice);
    await replica.#start();
    watchConnection(cluster.connection, onNotice).catch((error: unknown) => replica.#fail(error));
    return replica;
  }

  private constructor(cluster: Cluster, onNotice: (sentence: string) => void) {
    this.#cluster = cluster;
    this.#onNotice = onNotice;
    this.readers = new ReadLeases(cluster);
    this.#erasing = new TombstonePurge(cluster, this.readers, {
      onErasingChange: () => this.#noteCheckpoint(),
      onErased: (sequence) => this.#view.forgetErased(sequence),
    });
    this.#hearing = new StreamConsumer(cluster, { onFailure: (error) => this.#fail(error) });
    const { promise, resolve } = Promise.withResolvers<HistoryError>();
    this.failed = promise;
    this.#reportFailure = resolve;
  }

  get view(): Projection {
    return this.#view;
  }

  /** @throws HistoryError `storage-failed` when it has failed */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when the view has a line, which the cluster has. @throws HistoryError `storage-unavailable` when it does not come */
  seen(sequence: number): Promise<AppendResult> {
    const written = this.#view.writtenAt(sequence);
    if (written !== undefined) return Promise.resolve(written);
    return this.#awaited.wait(sequence);
  }

  /** As `seen`, for an outcome whose erasing is this server's. */
  seenOwnChange(sequence: number): Promise<AppendResult> {
    this.#erasing.claim(sequence);
    return this.seen(sequence);
  }

  /** Ends the feeds, notes how far it came, and lets go of what it uses. */
  async close(): Promise<void> {
    this.#hearing.close();
    this.#view.finish(this.#failure ?? "closed");
    this.#erasing.close();
    this.#awaited.close();
    this.#state?.close();
    await this.#noteCheckpoint().catch(() => {
      // Best effort: the next start counts for longer.
    });
    await this.readers.close();
  }

  async #start(): Promise<void> {
    const repairs = new Map<number, number>();
    this.#state?.close();
    this.#state = await hearState(
      this.#cluster,
      (sequence, timeUs) => {
        repairs.set(sequence, timeUs);
        this.#view?.noteRepair(sequence, timeUs);
      },
      this.readers,
    );
    const start = await loadProjection(this.#cluster);
    const view = new Projection(this.#cluster.names.change, start);
    for (const [sequence, timeUs] of repairs) view.noteRepair(sequence, timeUs);
    view.on("erasure", (by, target) => this.#erasing.add(by, target));
    view.on("repair", (sequence, timeUs) => this.#noteRepair(sequence, timeUs));
    for (const [target, by] of start.pending) this.#erasing.add(by, target);
    if (start.lastDeleteAll > 0) this.#erasing.add(start.lastDeleteAll, "all");
    this.#view?.finish(missedLines());
    this.#view = view;
    this.#checkpointAt = view.last + checkpointLines;
    await this.#hearing.hear(this.#placeOf(view));
  }

  #placeOf(view: Projection): Place {
    return {
      stream: this.#cluster.names.stream,
      next: () => view.last + 1,
      onMessage: (message) => this.#take(view, storedOf(message)),
    };
  }

  #take(view: Projection, message: StoredMessage): void {
    if (message.sequence > view.last + 1) return void this.#startAgain(view);
    view.apply(message);
    this.#settle(message.sequence);
    if (view.last < this.#checkpointAt) return;
    this.#checkpointAt = view.last + checkpointLines;
    this.#noteCheckpoint().catch(() => {
      // Best effort: the next one will do.
    });
  }

  #settle(sequence: number): void {
    if (this.#awaited.has(sequence)) this.#awaited.settle(sequence, this.#view.writtenAt(sequence) as AppendResult);
  }

  /** Lines were appended and erased while this server was cut off, so the view is made anew; feeds cannot go on. */
  async #startAgain(view: Projection): Promise<void> {
    view.finish(missedLines());
    this.#onNotice("This server was cut off from its cluster for long; it reads the history anew.");
    await this.#hearing.begin(() => this.#start());
    for (const sequence of this.#awaited.upTo(this.#view.last)) this.#settleMissed(sequence);
  }

  /** A line of this server's that came before the view was made anew: its rank is that of now. */
  #settleMissed(sequence: number): void {
    void this.#cluster.manager.streams
      .getMessage(this.#cluster.names.stream, { seq: sequence })
      .then((message) => {
        const takenUs = message === null ? this.#view.lastTimeUs : message.time.getTime() * 1000;
        this.#awaited.settle(sequence, {
          position: this.#view.lines,
          time: this.#view.timestampOf({ sequence, takenUs }),
        });
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #noteRepair(sequence: number, timeUs: number): void {
    const noting: Promise<void> = writeRepair(this.#cluster, sequence, timeUs)
      .catch((error: Error) => this.#onNotice(`A line's time could not be noted: ${error.message}.`))
      .finally(() => this.#repairing.delete(noting));
    this.#repairing.add(noting);
  }

  async #noteCheckpoint(): Promise<void> {
    await Promise.all(this.#repairing);
    const { last, bytes, lastTimeUs } = this.#view;
    await writeCheckpoint(this.#cluster, { sequence: last, bytes, lastTimeUs });
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    const sentence = `the history on NATS failed: ${(cause as Error).message}`;
    this.#failure = cause instanceof HistoryError ? cause : new HistoryError("storage-failed", sentence, { cause });
    this.#view.finish(this.#failure);
    this.#reportFailure(this.#failure);
  }
}

function missedLines(): HistoryError {
  const sentence = "this server was cut off from its cluster and has missed lines; follow again";
  return new HistoryError("storage-unavailable", sentence);
}
