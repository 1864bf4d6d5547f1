/**
 * The engine `jetstream`: a history in a replicated stream, shared by all servers that open it. It receives every message in
 * order, applies it to its view, publishes its own, and looks after what is to be noted and erased.
 *
 * A delete is a message that is stored only if no other change came since this server looked [N-6]: appends do not move the
 * lines before them. Else it is refused, and the server looks again.
 */

import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { JetStreamApiError, type ConsumerMessages } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { assertLine, assertUnchanged, HistoryError, resolveFollow, resolveRange } from "@wirebook/history";
import type { Actor, AppendResult, Feed, History, HistorySize } from "@wirebook/history";
import type { Range, Recorded, RequestEntry, Snapshot } from "@wirebook/history";
import { decodeText, encodeTime, timestampOf } from "@wirebook/protocol";
import { askAgainMs, attempt, failoverMs, unavailable, type Cluster } from "./cluster.ts";
import type { NatsCredentials } from "./credentials.ts";
import { ReadLeases, TombstonePurge } from "./erasure.ts";
import { loadProjection, writeCheckpoint, writeRepair } from "./load.ts";
import { encodeErasure, encodeRequestMessage, encodeResultMessage, lineBytes, storedOf } from "./message.ts";
import type { StoredMessage } from "./message.ts";
import { Projection } from "./projection.ts";
import { Publisher, seenDeadlineMs, seenRetryMs, wrongLastSequence } from "./publisher.ts";
import { openReader } from "./readers.ts";
import { requestConsumer } from "./scan.ts";

/** Times that a delete is tried again because another one came first. */
export const deleteAttemptsMax = 100;
const checkpointLines = 50_000;
/** Messages and milliseconds of a request for new messages; then the client requests again. */
const consumeMessages = 500;
const consumeMs = 20_000;
/** Milliseconds of silence after which the cluster shows that it still knows of the request. */
const heartbeatMs = 500;

const lost: ReadonlySet<string> = new Set(["no_responders", "heartbeats_missed", "consumer_not_found"]);

export interface JetStreamHistoryOptions extends NatsCredentials {
  /** Told, in whole sentences, what a person should know: a connection that was lost, say. Must not throw. */
  readonly onNotice?: (sentence: string) => void;
}

export class JetStreamHistory implements History {
  readonly engine = "jetstream";
  readonly ended: Promise<HistoryError | undefined>;
  readonly cluster: Cluster;
  readonly leases: ReadLeases;
  view!: Projection;
  readonly #onNotice: (sentence: string) => void;
  readonly #publisher: Publisher;
  readonly #purge: TombstonePurge;
  readonly #reportEnd: (error: HistoryError | undefined) => void;
  readonly #appending = new Set<Promise<unknown>>();
  /** The last delete; the next one comes after it. */
  #changing: Promise<unknown> = Promise.resolve();
  #repairing: Promise<unknown> = Promise.resolve();
  #messages: ConsumerMessages | undefined;
  #renewals = 0;
  #checkpointAt = 0;
  #failure: HistoryError | undefined;
  #closing: Promise<void> | undefined;

  /** Starts; from here on the view grows by itself. */
  static async open(cluster: Cluster, onNotice: (sentence: string) => void = () => {}): Promise<JetStreamHistory> {
    const history = new JetStreamHistory(cluster, onNotice);
    await history.#load();
    cluster.onReconnect(() => history.#renew());
    void history.#receive();
    cluster.onNotice = onNotice;
    cluster.watching.catch((error: unknown) => history.#fail(error));
    return history;
  }

  private constructor(cluster: Cluster, onNotice: (sentence: string) => void) {
    this.cluster = cluster;
    this.#onNotice = onNotice;
    this.leases = new ReadLeases(cluster);
    this.#purge = new TombstonePurge(cluster, this.leases, () => this.view);
    // A consumer's node may stay behind, though the consumer is well.
    const renew = (): void => this.#renew();
    this.#publisher = new Publisher(cluster, () => this.view.last, renew);
    const { promise, resolve } = Promise.withResolvers<HistoryError | undefined>();
    this.ended = promise;
    this.#reportEnd = resolve;
  }

  size(): HistorySize {
    const { index, bytes } = this.view.known;
    return { lines: index.lines, bytes };
  }

  async check(): Promise<void> {
    this.#assertOpen();
    await this.cluster.assertMajority();
  }

  append(entry: RequestEntry): Promise<AppendResult> {
    return this.appendData(encodeRequestMessage(entry));
  }

  record(by: Actor, outcome: Recorded): Promise<AppendResult> {
    return this.appendData(encodeResultMessage(by, outcome));
  }

  async appendData(data: Uint8Array, headers?: MsgHdrs): Promise<AppendResult> {
    this.#assertOpen();
    const options = headers === undefined ? {} : { headers };
    const written = this.#publisher.publish(this.cluster.names.line, data, options);
    this.#appending.add(written);
    try {
      return await written;
    } catch (error) {
      throw explain(error);
    } finally {
      this.#appending.delete(written);
    }
  }

  deleteLine(by: Actor, line: number, timestamp?: string): Promise<AppendResult> {
    return this.#change(async () => {
      for (let tries = 0; tries < deleteAttemptsMax; tries++) {
        const { lastChange } = this.view.known;
        const written = await this.#tryDelete(by, line, timestamp, lastChange);
        if (written !== undefined) return written;
        await this.#untilChanged(lastChange);
      }
      throw unavailable(`other deletes came first ${deleteAttemptsMax} times`);
    });
  }

  deleteAll(by: Actor): Promise<AppendResult> {
    return this.#change(async () => {
      const data = encodeResultMessage(by, { verb: "deleted-all" });
      const options = { headers: encodeErasure("all") };
      const { time } = await this.#publisher.publish(this.cluster.names.change, data, options);
      return { position: 1, time };
    });
  }

  async read(range: Range = {}): Promise<Snapshot> {
    await this.#settled();
    const { known, lines } = this.view;
    const { from, to } = resolveRange(range, lines);
    return { from, to, lines, time: encodeTime(known.lastTimeUs), ...openReader(this, from, to, false) };
  }

  async follow(position?: number): Promise<Feed> {
    await this.#settled();
    const from = resolveFollow(position, this.view.lines);
    return { from, ...openReader(this, from, this.view.lines, true) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#appending, this.#changing]);
    this.#publisher.close();
    this.#purge.close();
    this.#renew();
    this.view.finish(this.#failure ?? "closed");
    await this.#writeCheckpoint();
    await this.leases.close();
    await this.cluster.release();
    this.#reportEnd(undefined);
  }

  /** A delete comes after the appends that were made before it, and after the deletes before it. */
  async #change(work: () => Promise<AppendResult>): Promise<AppendResult> {
    this.#assertOpen();
    const changing = Promise.allSettled([this.#changing, ...this.#appending]).then(work);
    this.#changing = changing;
    return changing.catch((error: unknown) => Promise.reject(explain(error)));
  }

  /** `undefined` when another change than the last one that is known came first. */
  async #tryDelete(
    by: Actor,
    line: number,
    timestamp: string | undefined,
    lastChange: number,
  ): Promise<AppendResult | undefined> {
    const { view } = this;
    const { manager, names } = this.cluster;
    assertLine(line, view.lines);
    const sequence = view.sequenceOf(line);
    const found = await attempt("did not give the line", () =>
      manager.streams.getMessage(names.stream, { seq: sequence }),
    );
    if (found === null) return undefined; // Another server deleted and erased it; this one is about to see that.
    const { header, data: text, subject, timestamp: taken } = found;
    const target = { sequence, takenUs: microsecondsOf(taken), subject, headers: header, data: text };
    const head = timestampOf(decodeText(view.lineOf(target)));
    assertUnchanged(line, head, timestamp);
    const data = encodeResultMessage(by, { verb: "deleted-line", line, head });
    const headers = encodeErasure({ sequence, bytes: lineBytes(target) });
    const expect = { lastSubjectSequence: lastChange };
    try {
      return await this.#publisher.publish(names.change, data, { headers, expect });
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === wrongLastSequence) return undefined;
      throw error;
    }
  }

  /** Resolves when the view has a later change, which the cluster has: before, a delete would be refused again. */
  async #untilChanged(lastChange: number): Promise<void> {
    const deadlineMs = performance.now() + seenDeadlineMs;
    while (this.view.known.lastChange === lastChange) {
      if (performance.now() > deadlineMs)
        throw unavailable(`the cluster did not give the lines within ${seenDeadlineMs} ms`);
      const change = once(this.view, "change", { signal: AbortSignal.timeout(seenRetryMs) });
      await change.catch(() => this.#renew());
    }
  }

  /** Readers see all appends that were made before them. */
  async #settled(): Promise<void> {
    this.#assertOpen();
    await Promise.allSettled(this.#appending);
    this.#assertOpen();
  }

  /** Finds out about the stream. Feeds of the view before cannot go on: they have missed lines. */
  async #load(): Promise<void> {
    const known = await loadProjection(this.cluster);
    this.view = new Projection(this.cluster.names.change, known);
    for (const [sequence, by] of known.deletedBy) this.#purge.add(by, { sequence, bytes: 0 });
    for (const by of known.deleteAlls) this.#purge.add(by, "all");
    this.#checkpointAt = this.view.last + checkpointLines;
  }

  /**
   * Receives the messages in their order, through one consumer after another, until it is closed.
   *
   * A consumer lives on one node. When that is gone, frozen, not ready, or behind, another consumer is made, which may live
   * elsewhere. The client would do that too late: after a reconnect it asks for its consumer once and then waits for as
   * long as a request for messages lasts. So every sign of a loss ends it here: a status, their end, a new connection.
   */
  async #receive(): Promise<void> {
    while (this.view.end !== "closed" && this.#failure === undefined) {
      try {
        if (this.view.end !== undefined) await this.#load();
        await this.#consume(this.view);
      } catch (error) {
        if (!(error instanceof HistoryError && error.code === "storage-unavailable")) return this.#fail(error);
        await pause(askAgainMs);
      }
    }
  }

  /** Takes what one consumer gives. A late message of the one before is as good as that of the next one. */
  async #consume(view: Projection): Promise<void> {
    let renewals = 0;
    const request = async (): Promise<ConsumerMessages> => {
      const start = { opt_start_seq: view.last + 1 };
      const consumer = await requestConsumer(this.cluster, this.cluster.names.stream, start);
      renewals = this.#renewals;
      return consumer.consume({
        max_messages: consumeMessages,
        idle_heartbeat: heartbeatMs,
        expires: consumeMs,
        callback: (message) => this.#take(view, storedOf(message)),
      });
    };
    // The current node may be cut off from the others.
    const leaving = setInterval(() => this.cluster.failover(), failoverMs);
    const messages = await attempt("did not give the lines", request).finally(() => clearInterval(leaving));
    this.#messages = messages;
    if (view.end !== undefined || renewals !== this.#renewals) return messages.stop();
    for await (const { type } of messages.status()) if (lost.has(type)) break;
    messages.stop();
  }

  /** Ends the consumer; the next one goes on at its place. */
  #renew(): void {
    this.#renewals += 1;
    this.#messages?.stop();
  }

  #take(view: Projection, message: StoredMessage): void {
    const { sequence } = message;
    if (view.end !== undefined || sequence <= view.last) return;
    if (sequence > view.last + 1) {
      // Lines were appended and erased while this server was cut off, so the view is made anew.
      this.#onNotice("This server was cut off from its cluster too long; it reads the history anew.");
      const sentence = "this server was cut off from its cluster and has missed lines; follow again";
      view.finish(unavailable(sentence));
      return this.#renew();
    }
    const { erasure, repairUs, ...written } = view.apply(message);
    if (erasure !== undefined) this.#purge.add(sequence, erasure, this.#publisher.owns(message));
    if (repairUs !== undefined) {
      const repairing = writeRepair(this.cluster, sequence, repairUs).catch((error: Error) =>
        this.#onNotice(`A line's time could not be noted: ${error.message}.`),
      );
      this.#repairing = Promise.all([this.#repairing, repairing]);
    }
    this.#publisher.settle(message, written);
    if (view.last < this.#checkpointAt) return;
    this.#checkpointAt = view.last + checkpointLines;
    void this.#writeCheckpoint();
  }

  /** Best effort: without it the next start counts for longer. Times that were repaired are noted before. */
  async #writeCheckpoint(): Promise<void> {
    await this.#repairing;
    await writeCheckpoint(this.cluster, this.view.known).catch(() => {});
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new HistoryError("closed", "the history is closed");
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    const sentence = `the history on NATS failed: ${(cause as Error).message}`;
    this.#failure = cause instanceof HistoryError ? cause : new HistoryError("storage-failed", sentence, { cause });
    this.view.finish(this.#failure);
    this.#reportEnd(this.#failure);
  }
}

/** What the cluster refuses for good has a reason of its own. */
function explain(error: unknown): unknown {
  if (!(error instanceof JetStreamApiError)) return error;
  const code = /resource|storage|maximum/i.test(error.message) ? "storage-full" : "storage-failed";
  return new HistoryError(code, `the cluster refused the line: ${error.message}`, { cause: error });
}

/** Of RFC 3339 with up to nine digits: 2026-11-22T20:31:05.123456789Z */
function microsecondsOf(timestamp: string): number {
  const [seconds = "", fraction = ""] = timestamp.replace(/Z$/, "").split(".");
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
