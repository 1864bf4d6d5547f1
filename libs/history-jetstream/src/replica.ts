/**
 * This server's part in the history: it receives every message in order, applies it to its view, publishes its own, and
 * looks after what is to be noted and erased.
 */

import { once } from "node:events";
import { HistoryError } from "@wirebook/history";
import { unavailable } from "./cluster.ts";
import type { Cluster } from "./cluster.ts";
import { watchConnection } from "./connect.ts";
import { ReadLeases, TombstonePurge } from "./erasure.ts";
import { loadProjection, writeCheckpoint, writeRepair } from "./load.ts";
import { storedOf } from "./message.ts";
import type { StoredMessage } from "./message.ts";
import { Projection } from "./projection.ts";
import { Publisher, seenDeadlineMs, seenRetryMs } from "./publisher.ts";
import { StreamConsumer } from "./stream-consumer.ts";

/** Lines after which a server writes a checkpoint. */
const checkpointLines = 50_000;

export class Replica {
  readonly cluster: Cluster;
  readonly leases: ReadLeases;
  readonly publisher: Publisher;
  /** Settles with the error after which nothing is acknowledged; stays open while all is well. Never rejects. */
  readonly failed: Promise<HistoryError>;
  readonly #onNotice: (sentence: string) => void;
  readonly #purge: TombstonePurge;
  readonly #consumer: StreamConsumer;
  readonly #repairing = new Set<Promise<void>>();
  readonly #reportFailure: (error: HistoryError) => void;
  #view!: Projection;
  #failure: HistoryError | undefined;
  #checkpointAt = 0;

  /** Starts; from here on the view grows by itself. @throws HistoryError `storage-unavailable`, `storage-failed` */
  static async open(cluster: Cluster, onNotice: (sentence: string) => void): Promise<Replica> {
    const replica = new Replica(cluster, onNotice);
    await replica.#start();
    watchConnection(cluster.connection, onNotice).catch((error: unknown) => replica.#fail(error));
    return replica;
  }

  private constructor(cluster: Cluster, onNotice: (sentence: string) => void) {
    this.cluster = cluster;
    this.#onNotice = onNotice;
    this.leases = new ReadLeases(cluster);
    this.#purge = new TombstonePurge(cluster, this.leases, () => this.#view);
    this.#consumer = new StreamConsumer(cluster, (error) => this.#fail(error));
    // A consumer's node may stay behind, though the consumer is well.
    const onStuck = (): void => this.#consumer.renew();
    this.publisher = new Publisher(cluster, { lastSeen: () => this.#view.last, onStuck });
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

  /** Resolves when the view has a message that the cluster has. @throws HistoryError `storage-unavailable` */
  async seen(sequence: number): Promise<void> {
    const deadlineMs = performance.now() + seenDeadlineMs;
    while (this.#view.last < sequence) {
      if (performance.now() > deadlineMs)
        throw unavailable(`the cluster did not give the lines within ${seenDeadlineMs} ms`);
      await once(this.#view, "change", { signal: AbortSignal.timeout(seenRetryMs) }).catch(() =>
        this.#consumer.renew(),
      );
    }
  }

  /** Ends the feeds, notes how far it came, and lets go of what it uses. */
  async close(): Promise<void> {
    this.publisher.close();
    this.#consumer.close();
    this.#purge.close();
    this.#view.finish(this.#failure ?? "closed");
    await this.#writeCheckpoint();
    await this.leases.close();
  }

  async #start(): Promise<void> {
    const known = await loadProjection(this.cluster);
    const view = new Projection(this.cluster.names.change, known);
    view.on("erasure", (by, erasure) => this.#purge.add(by.sequence, erasure, this.publisher.owns(by)));
    view.on("repair", (sequence, timeUs) => this.#noteRepair(sequence, timeUs));
    for (const [sequence, by] of known.deletedBy) this.#purge.add(by, { sequence, bytes: 0 });
    for (const by of known.deleteAlls) this.#purge.add(by, "all");
    this.#view?.finish(missedLines());
    this.#view = view;
    this.#checkpointAt = view.last + checkpointLines;
    await this.#consumer.start({
      stream: this.cluster.names.stream,
      next: () => view.last + 1,
      onMessage: (message) => this.#take(view, storedOf(message)),
    });
  }

  #take(view: Projection, message: StoredMessage): void {
    if (message.sequence > view.last + 1) return void this.#startAgain(view);
    this.publisher.settle(message, view.apply(message));
    if (view.last < this.#checkpointAt) return;
    this.#checkpointAt = view.last + checkpointLines;
    void this.#writeCheckpoint();
  }

  /** Lines were appended and erased while this server was cut off, so the view is made anew; feeds cannot go on. */
  async #startAgain(view: Projection): Promise<void> {
    view.finish(missedLines());
    this.#onNotice("This server was cut off from its cluster too long; it reads the history anew.");
    await this.#consumer.restart(() => this.#start());
  }

  #noteRepair(sequence: number, timeUs: number): void {
    const noting: Promise<void> = writeRepair(this.cluster, sequence, timeUs)
      .catch((error: Error) => this.#onNotice(`A line's time could not be noted: ${error.message}.`))
      .finally(() => this.#repairing.delete(noting));
    this.#repairing.add(noting);
  }

  /** Best effort: without it the next start counts for longer. */
  async #writeCheckpoint(): Promise<void> {
    await Promise.all(this.#repairing);
    await writeCheckpoint(this.cluster, this.#view.known).catch(() => {});
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
