/**
 * Publishes lines, and repeats each until this server has seen it at its place or its time is over.
 *
 * A message carries an id, by which the stream knows a repetition, so it is stored once [N-5]. Its author waits until the
 * line comes back from the stream, which delivers only what most of the nodes have; the acknowledgement tells whether to
 * go on repeating. Publishes keep their order on their way; a repeated one may come after later ones.
 */

import { JetStreamApiError } from "@nats-io/jetstream";
import type { JetStreamPublishOptions } from "@nats-io/jetstream";
import { nuid, TimeoutError } from "@nats-io/transport-node";
import type { AppendResult } from "@wirebook/history";
import { failoverMs, unavailable } from "./cluster.ts";
import type { Cluster } from "./cluster.ts";
import type { StoredMessage } from "./message.ts";

/** Publishes on their way at once; one more is refused. */
export const publishesMax = 8192;
/** Milliseconds after which a publish that was not acknowledged is repeated under the same id… */
export const publishRetryMs = 2000;
/** …while the cluster acknowledges nothing at all: what was sent to a node that froze is lost… */
export const publishStalledRetryMs = 250;
/** …and when the stream had no leader. */
const publishRefusedRetryMs = 100;
/** Milliseconds for which the answer to one sending counts. */
export const publishTimeoutMs = 5000;
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

interface Publish {
  readonly id: string;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly options: PublishOptions;
  readonly startedMs: number;
  readonly resolve: (written: AppendResult) => void;
  readonly reject: (error: unknown) => void;
  retryAtMs: number;
  sentMs: number;
  acknowledged: { readonly sequence: number; readonly atMs: number } | undefined;
}

interface Listener {
  /** The last sequence that this server has seen. */
  readonly lastSeen: () => number;
  /** An acknowledged line has not come for `seenRetryMs`. */
  readonly onStuck: () => void;
}

/** The publishes of one server. */
export class Publisher {
  readonly #cluster: Cluster;
  readonly #listener: Listener;
  readonly #idPrefix = nuid.next();
  readonly #pending = new Map<string, Publish>();
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #count = 0;
  /** When the cluster gave its last answer, or the first of those publishes was sent that wait for one. */
  #answeredMs = 0;
  #stuckMs = 0;

  constructor(cluster: Cluster, listener: Listener) {
    this.#cluster = cluster;
    this.#listener = listener;
    this.#timer = setInterval(() => this.#look(), publishRefusedRetryMs);
    this.#timer.unref();
    // What is on its way went to a node that is connected no more.
    this.#stopListening = cluster.onReconnect(() => {
      for (const publish of this.#pending.values()) if (publish.acknowledged === undefined) this.#send(publish);
    });
  }

  /**
   * Stores a message; resolves when this server has seen it.
   *
   * @throws JetStreamApiError when the cluster refuses it for good, HistoryError `storage-unavailable`
   */
  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): Promise<AppendResult> {
    if (this.#pending.size >= publishesMax) {
      return Promise.reject(unavailable(`${publishesMax} lines wait for the cluster already`));
    }
    const startedMs = performance.now();
    if (this.#pending.size === 0) this.#answeredMs = startedMs;
    return new Promise((resolve, reject) => {
      const id = `${this.#idPrefix}.${++this.#count}`;
      const times = { startedMs, sentMs: 0, retryAtMs: Infinity, acknowledged: undefined };
      const publish: Publish = { id, subject, data, options, resolve, reject, ...times };
      this.#pending.set(id, publish);
      this.#send(publish);
    });
  }

  /** True when this server published the message. */
  owns({ headers }: StoredMessage): boolean {
    return headers?.get(idHeader).startsWith(`${this.#idPrefix}.`) === true;
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
    this.#stopListening();
    for (const publish of this.#pending.values()) this.#fail(publish, unavailable("the history is closed"));
  }

  #send(publish: Publish): void {
    const { id, subject, data, options } = publish;
    publish.sentMs = performance.now();
    publish.retryAtMs = Infinity;
    const { stream: streamName } = this.#cluster.names;
    const expect = { ...options.expect, streamName };
    // An answer to this sending may come after the next one.
    this.#cluster.js.publish(subject, data, { ...options, msgID: id, expect, timeout: publishTimeoutMs }).then(
      // To a repetition of what is not stored yet, 2.10 answers with the sequence 0, later versions with an error.
      ({ seq }) => (seq === 0 ? this.#retrySoon(publish) : this.#acknowledge(publish, seq)),
      (error: unknown) => this.#refuse(publish, error),
    );
  }

  #retrySoon(publish: Publish): void {
    publish.retryAtMs = performance.now() + publishRefusedRetryMs;
  }

  #acknowledge(publish: Publish, sequence: number): void {
    this.#answeredMs = performance.now();
    publish.acknowledged ??= { sequence, atMs: this.#answeredMs };
  }

  #refuse(publish: Publish, error: unknown): void {
    if (error instanceof JetStreamApiError && error.status !== 503 && error.code !== idInProcess) {
      this.#answeredMs = performance.now();
      this.#fail(publish, error);
      // Without a leader the cluster says so, or no node listens to the subject.
    } else if (!(error instanceof TimeoutError)) this.#retrySoon(publish);
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
      if (publish.acknowledged === undefined) {
        isWaiting = true;
        if (nowMs - publish.startedMs >= publishDeadlineMs) {
          const sentence = `the cluster did not acknowledge the line within ${publishDeadlineMs} ms; it may still be in the history`;
          this.#fail(publish, unavailable(sentence));
        } else if (nowMs >= Math.min(publish.retryAtMs, publish.sentMs + retryMs)) this.#send(publish);
        continue;
      }
      const { sequence, atMs } = publish.acknowledged;
      const hasLine = "the cluster has the line, but this server";
      if (sequence <= this.#listener.lastSeen()) {
        this.#fail(publish, unavailable(`${hasLine} was cut off when the line came`));
      } else if (nowMs - atMs >= seenDeadlineMs) {
        this.#fail(publish, unavailable(`${hasLine} did not see it within ${seenDeadlineMs} ms`));
      } else if (nowMs - atMs >= seenRetryMs) isStuck = true;
    }
    if (isWaiting && silentMs > failoverMs) this.#cluster.failover();
    if (!isStuck || nowMs - this.#stuckMs < seenRetryMs) return;
    this.#stuckMs = nowMs;
    this.#listener.onStuck();
  }
}
