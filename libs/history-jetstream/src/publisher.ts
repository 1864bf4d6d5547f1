/**
 * Publishes lines, and tries each again until the cluster has it or its time is over.
 *
 * A message carries an id, by which the stream knows one that it has already, so a publish whose acknowledgement was
 * lost counts once. Publishes keep their order on their way; one that is tried again may come after later ones.
 *
 * This is the client's `publish` of JetStream with one subscription and one timer for all: a subscription and a timer
 * for each line cost more than the line.
 */

import { createInbox, headers as createHeaders, nuid } from "@nats-io/transport-node";
import type { Msg, MsgHdrs, Subscription } from "@nats-io/transport-node";
import type { Cluster } from "./cluster.ts";
import { unavailable } from "./errors.ts";
import {
  elsewhereMs,
  publishDeadlineMs,
  publishesInFlightMax,
  publishesWaitingMax,
  publishRefusedRetryMs,
  publishRetryMs,
  publishStalledRetryMs,
} from "./limits.ts";
import { headers as names } from "./names.ts";

/** What the cluster refused, and will refuse again. */
export class PublishRefused extends Error {
  override readonly name = "PublishRefused";
  /** NATS's number for it. */
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.code = code;
  }
}

/** A change came after another one than was expected (JSStreamWrongLastSequenceErr). */
export const wrongLastSequence = 10_071;

/** A message with this id is on its way already (JSStreamDuplicateMessageConflictErr). */
const idInProcess = 10_158;

interface Publish {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs;
  readonly deadlineMs: number;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: unknown) => void;
  number: number;
  sentMs: number;
  /** Set where the cluster said that it cannot take it for now. */
  retryAtMs: number | undefined;
}

interface Acknowledgement {
  readonly seq?: number;
  readonly error?: { readonly err_code?: number; readonly code: number; readonly description: string };
}

/** The publishes of one server. */
export class Publisher {
  readonly #cluster: Cluster;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  readonly #idPrefix = nuid.next();
  readonly #inFlight = new Map<number, Publish>();
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #waiting: Publish[] = [];
  #count = 0;
  /** When the cluster gave its last answer, or the first of those publishes was sent that wait for one. */
  #answeredMs = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#subscription = cluster.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#take(message);
      },
    });
    this.#timer = setInterval(() => this.#retry(), publishRefusedRetryMs);
    this.#timer.unref();
    this.#stopListening = cluster.onReconnect(() => this.#retry(true));
  }

  /**
   * Stores a message; resolves with its sequence.
   *
   * @throws PublishRefused, HistoryError `storage-unavailable`
   */
  publish(subject: string, data: Uint8Array, more: Readonly<Record<string, string>> = {}): Promise<number> {
    if (this.#waiting.length >= publishesWaitingMax) {
      return Promise.reject(unavailable(`${publishesWaitingMax} lines wait for the cluster already`));
    }
    const headers = createHeaders();
    headers.set(names.id, `${this.#idPrefix}.${++this.#count}`);
    headers.set(names.stream, this.#cluster.names.stream);
    for (const [name, value] of Object.entries(more)) headers.set(name, value);
    return new Promise((resolve, reject) => {
      const deadlineMs = performance.now() + publishDeadlineMs;
      this.#waiting.push({
        subject,
        data,
        headers,
        deadlineMs,
        resolve,
        reject,
        number: 0,
        sentMs: 0,
        retryAtMs: undefined,
      });
      this.#sendWaiting();
    });
  }

  /** Takes no more answers. Nothing must be under way. */
  close(): void {
    clearInterval(this.#timer);
    this.#stopListening();
    this.#subscription.unsubscribe();
  }

  #sendWaiting(): void {
    const room = publishesInFlightMax - this.#inFlight.size;
    if (room <= 0 || this.#waiting.length === 0) return;
    if (this.#inFlight.size === 0) this.#answeredMs = performance.now();
    for (const publish of this.#waiting.splice(0, room)) this.#send(publish);
  }

  #send(publish: Publish): void {
    // Sent again it keeps its number: an acknowledgement that takes longer than that is one.
    if (publish.number === 0) publish.number = ++this.#count;
    publish.sentMs = performance.now();
    publish.retryAtMs = undefined;
    this.#inFlight.set(publish.number, publish);
    const { subject, data, headers } = publish;
    this.#cluster.connection.publish(subject, data, { headers, reply: `${this.#inbox}.${publish.number}` });
  }

  #take(message: Msg): void {
    const number = Number(message.subject.slice(this.#inbox.length + 1));
    const publish = this.#inFlight.get(number);
    if (publish === undefined) return;
    // Nobody listens to the subject for now: the stream has no leader, or no cluster is connected (NATS: 503).
    if (message.headers?.code === 503) {
      publish.retryAtMs = performance.now() + publishRefusedRetryMs;
      return;
    }
    const { seq, error } = message.json<Acknowledgement>();
    // Without a leader for the moment, the stream says so with 503; whatever else it says is its last word.
    // Of a message that was sent again before its first sending was stored, 2.10 says that it is a duplicate of sequence 0,
    // later ones that its id is in process. Neither is an acknowledgement. (A refusal has a sequence of 0 as well.)
    if (error?.code === 503 || error?.err_code === idInProcess || (error === undefined && seq === 0)) {
      publish.retryAtMs = performance.now() + publishRefusedRetryMs;
      return;
    }
    this.#inFlight.delete(number);
    this.#answeredMs = performance.now();
    if (seq !== undefined && error === undefined) publish.resolve(seq);
    else publish.reject(new PublishRefused(error?.err_code ?? 0, error?.description ?? "no answer that is known"));
    this.#sendWaiting();
  }

  /** @param isLost true when whatever is on its way went to a node that is connected no more */
  #retry(isLost = false): void {
    const nowMs = performance.now();
    const silentMs = nowMs - this.#answeredMs;
    if (this.#inFlight.size > 0 && silentMs > elsewhereMs) this.#cluster.failover();
    const afterMs = isLost ? 0 : silentMs > publishStalledRetryMs ? publishStalledRetryMs : publishRetryMs;
    for (const publish of this.#inFlight.values()) {
      if ((publish.retryAtMs ?? publish.sentMs + afterMs) > nowMs) continue;
      this.#inFlight.delete(publish.number);
      if (publish.deadlineMs > nowMs) this.#send(publish);
      else
        publish.reject(
          unavailable(
            `the cluster did not acknowledge the line within ${publishDeadlineMs} ms; it may be in the history all the same`,
          ),
        );
    }
    const late = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    if (late.length > 0) {
      this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
      for (const { reject } of late) reject(unavailable(`no room came free within ${publishDeadlineMs} ms`));
    }
    this.#sendWaiting();
  }
}
