/**
 * Publishes lines, and repeats each until this server has seen it at its place or its time is over.
 *
 * A message carries an id, by which the stream knows a repetition, so it is stored once [N-5]. The stream delivers only what
 * most of the nodes have; the acknowledgement tells whether to go on repeating. A repeated line may come after later ones.
 */

import { JetStreamApiError, type JetStreamPublishOptions } from "@nats-io/jetstream";
import { nuid, TimeoutError } from "@nats-io/transport-node";
import type { AppendResult } from "@wirebook/history";
import { failoverMs, unavailable, type Cluster } from "./cluster.ts";
import type { StoredMessage } from "./message.ts";

/** Publishes on their way at once; one more is refused. */
export const publishesMax = 8192;
/** Milliseconds after which a publish that was not acknowledged is repeated under the same id… */
export const publishRetryMs = 2000;
/** …while the cluster acknowledges nothing at all: what was sent to a node that froze is lost… */
export const publishStalledRetryMs = 250;
/** …and when the stream had no leader. */
const publishRefusedRetryMs = 100;
const publishTimeoutMs = 5000;
/** Milliseconds after which a line that the cluster did not acknowledge is given up and its request gets an error. */
export const publishDeadlineMs = 14_000;
/** Milliseconds after which an acknowledged line is looked for on another node: the consumer's may be stuck. */
export const seenRetryMs = 2000;
/** Milliseconds after which an acknowledged line that this server does not see gets an error. */
export const seenDeadlineMs = 14_000;

const idHeader = "Nats-Msg-Id";
/** NATS's numbers (JSStreamWrongLastSequenceErr, JSStreamDuplicateMessageConflictErr). */
export const wrongLastSequence = 10_071;
const idInProcess = 10_158;

type PublishOptions = Pick<Partial<JetStreamPublishOptions>, "headers" | "expect">;

interface Publish extends Pick<PromiseWithResolvers<AppendResult>, "resolve" | "reject"> {
  readonly id: string;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly options: PublishOptions;
  readonly startedMs: number;
  retryAtMs: number;
  sentMs: number;
  acknowledged: { readonly sequence: number; readonly atMs: number } | undefined;
}

export class Publisher {
  readonly #cluster: Cluster;
  readonly #lastSeen: () => number;
  readonly #onStuck: () => void;
  readonly #idPrefix = `${nuid.next()}.`;
  readonly #pending = new Map<string, Publish>();
  readonly #timer = setInterval(() => this.#look(), publishRefusedRetryMs).unref();
  #count = 0;
  /** When the cluster gave its last answer, or the first of those publishes was sent that wait for one. */
  #answeredMs = 0;
  #stuckMs = 0;

  /** @param onStuck called when an acknowledged line has not come for `seenRetryMs` */
  constructor(cluster: Cluster, lastSeen: () => number, onStuck: () => void) {
    this.#cluster = cluster;
    this.#lastSeen = lastSeen;
    this.#onStuck = onStuck;
    // What is on its way went to a node that is connected no more.
    cluster.onReconnect(() => {
      for (const publish of this.#pending.values()) if (publish.acknowledged === undefined) this.#send(publish);
    });
  }

  /** Stores a message; resolves when this server has seen it. */
  async publish(subject: string, data: Uint8Array, options: PublishOptions = {}): Promise<AppendResult> {
    if (this.#pending.size >= publishesMax) throw unavailable(`${publishesMax} lines wait for the cluster already`);
    const startedMs = performance.now();
    if (this.#pending.size === 0) this.#answeredMs = startedMs;
    const id = `${this.#idPrefix}${++this.#count}`;
    const { promise, resolve, reject } = Promise.withResolvers<AppendResult>();
    const times = { startedMs, sentMs: 0, retryAtMs: Infinity, acknowledged: undefined };
    const publish: Publish = { id, subject, data, options, resolve, reject, ...times };
    this.#pending.set(id, publish);
    this.#send(publish);
    return promise;
  }

  owns({ headers }: StoredMessage): boolean {
    return headers?.get(idHeader).startsWith(this.#idPrefix) === true;
  }

  /** This server has seen a message, its own or another's. */
  settle({ headers }: StoredMessage, written: AppendResult): void {
    const id = headers?.get(idHeader) ?? "";
    const publish = this.#pending.get(id);
    if (publish === undefined) return;
    this.#answeredMs = performance.now();
    this.#pending.delete(id);
    publish.resolve(written);
  }

  /** Rejects what is still under way. */
  close(): void {
    clearInterval(this.#timer);
    for (const publish of this.#pending.values()) this.#fail(publish, unavailable("the history is closed"));
  }

  #send(publish: Publish): void {
    const { id, subject, data, options } = publish;
    publish.sentMs = performance.now();
    publish.retryAtMs = Infinity;
    const expect = { ...options.expect, streamName: this.#cluster.names.stream };
    // An answer to this sending may come after the next one.
    this.#cluster.js.publish(subject, data, { ...options, msgID: id, expect, timeout: publishTimeoutMs }).then(
      ({ seq }) => {
        // To a repetition of what is not stored yet, 2.10 answers with the sequence 0, later versions with an error.
        if (seq === 0) return this.#retrySoon(publish);
        this.#answeredMs = performance.now();
        publish.acknowledged ??= { sequence: seq, atMs: this.#answeredMs };
      },
      (error: unknown) => {
        if (error instanceof JetStreamApiError && error.status !== 503 && error.code !== idInProcess) {
          this.#answeredMs = performance.now();
          this.#fail(publish, error);
          // Without a leader the cluster says so, or no node listens to the subject.
        } else if (!(error instanceof TimeoutError)) this.#retrySoon(publish);
      },
    );
  }

  #retrySoon(publish: Publish): void {
    publish.retryAtMs = performance.now() + publishRefusedRetryMs;
  }

  #fail(publish: Publish, error: unknown): void {
    this.#pending.delete(publish.id);
    publish.reject(error);
  }

  #look(): void {
    const nowMs = performance.now();
    const silentMs = nowMs - this.#answeredMs;
    const retryMs = silentMs > publishStalledRetryMs ? publishStalledRetryMs : publishRetryMs;
    let isWaiting = false;
    let isStuck = false;
    for (const publish of this.#pending.values()) {
      const { acknowledged, retryAtMs, sentMs, startedMs } = publish;
      if (acknowledged === undefined) {
        isWaiting = true;
        if (nowMs - startedMs >= publishDeadlineMs) {
          const sentence = `the cluster did not acknowledge the line within ${publishDeadlineMs} ms; it may still be in the history`;
          this.#fail(publish, unavailable(sentence));
        } else if (nowMs >= Math.min(retryAtMs, sentMs + retryMs)) this.#send(publish);
      } else if (acknowledged.sequence <= this.#lastSeen() || nowMs - acknowledged.atMs >= seenDeadlineMs) {
        this.#fail(publish, unavailable("the cluster has the line, but this server was cut off and did not see it"));
      } else if (nowMs - acknowledged.atMs >= seenRetryMs) isStuck = true;
    }
    if (isWaiting && silentMs > failoverMs) this.#cluster.failover();
    if (!isStuck || nowMs - this.#stuckMs < seenRetryMs) return;
    this.#stuckMs = nowMs;
    this.#onStuck();
  }
}
