/**
 * Receives the messages of one stream in their order, through one consumer at a time, until it is closed.
 *
 * A consumer lives on one node. When that node is gone, frozen, not ready, or behind, another consumer is made, which may
 * live elsewhere. The client would do that too, but too late: after a reconnect it asks for its consumer once and then
 * waits for as long as a request for messages lasts. So every sign of a loss makes a new consumer here: a status that says
 * so, the end of the statuses, a new connection. Each consumer is a turn; what still comes from one before is dropped.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JsMsg, OrderedConsumerOptions } from "@nats-io/jetstream";
import { HistoryError } from "@wirebook/history";
import { askAgainMs, attempt, failoverMs } from "./cluster.ts";
import type { Cluster } from "./cluster.ts";

/**
 * Milliseconds without an answer after which another consumer is requested beside those before, and how many at most. Each
 * request is given up after `consumerTimeoutMs`, so five are under way at a time.
 */
const consumerHedgeMs = 200;
const consumerRequestsMax = 15;
/** Milliseconds after which the cluster forgets an unused consumer: one that came too late, or whose server died. */
const consumerForgottenMs = 30_000;
/** Messages and milliseconds of a request for new messages; then the client requests again. */
const consumeMessages = 500;
const consumeMs = 20_000;
/** Milliseconds of silence after which the cluster shows that it still knows of the request. */
const heartbeatMs = 500;

/** Statuses after which no more comes from a consumer. */
const lost: ReadonlySet<string> = new Set(["no_responders", "heartbeats_missed", "consumer_not_found"]);

/** A stream, from a place on. */
export interface Place {
  readonly stream: string;
  /** The sequence of the next message that is wanted. */
  next(): number;
  readonly onMessage: (message: JsMsg) => void;
}

export class StreamConsumer {
  readonly #cluster: Cluster;
  readonly #onFailure: (error: unknown) => void;
  readonly #unsubscribe: () => void;
  #place: Place | undefined;
  #messages: ConsumerMessages | undefined;
  #turn = 0;
  #isClosed = false;

  /** @param onFailure called when it cannot go on */
  constructor(cluster: Cluster, onFailure: (error: unknown) => void) {
    this.#cluster = cluster;
    this.#onFailure = onFailure;
    this.#unsubscribe = cluster.onReconnect(() => this.renew());
  }

  /** Receives what comes from a place on. @throws HistoryError `storage-unavailable` */
  async start(place: Place, withinMs?: number): Promise<void> {
    const consumer = await attempt(
      "did not give the lines",
      () => requestConsumer(this.#cluster, place.stream, { opt_start_seq: place.next() }),
      withinMs,
    );
    const turn = ++this.#turn;
    const messages = await consumer.consume({
      max_messages: consumeMessages,
      idle_heartbeat: heartbeatMs,
      expires: consumeMs,
      callback: (message) => {
        if (this.#isTurn(turn) && message.seq >= place.next()) place.onMessage(message);
      },
    });
    // Another one may have been made meanwhile.
    if (!this.#isTurn(turn)) return messages.stop();
    this.#messages?.stop();
    this.#messages = messages;
    this.#place = place;
    void this.#watch(messages, turn);
  }

  /** Makes another consumer, at the place where the one before is. */
  renew(): void {
    const place = this.#place;
    if (place !== undefined && !this.#isClosed) void this.restart(() => this.start(place, failoverMs));
  }

  /** Stops, and starts by other means, again and again until that works: a cluster without a majority answers nothing. */
  async restart(start: () => Promise<void>): Promise<void> {
    this.#messages?.stop();
    const turn = ++this.#turn;
    while (this.#isTurn(turn)) {
      try {
        return await start();
      } catch (error) {
        if (this.#isClosed) return;
        if (!(error instanceof HistoryError && error.code === "storage-unavailable")) return this.#onFailure(error);
        // The current node may be cut off from the others.
        if (this.#isTurn(turn)) this.#cluster.failover();
      }
      await pause(askAgainMs);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#messages?.stop();
  }

  #isTurn(turn: number): boolean {
    return this.#turn === turn && !this.#isClosed;
  }

  async #watch(messages: ConsumerMessages, turn: number): Promise<void> {
    for await (const { type } of messages.status()) if (lost.has(type)) break;
    if (this.#isTurn(turn)) this.renew();
  }
}

/**
 * The first consumer of several requests, one shortly after the other: the cluster may place a consumer on a node of whose
 * death it does not know yet, and then no answer comes. It forgets those that are left over.
 */
export async function requestConsumer(
  { js }: Cluster,
  stream: string,
  options: Partial<OrderedConsumerOptions>,
): Promise<Consumer> {
  const requested: Promise<Consumer>[] = [];
  const { promise, resolve } = Promise.withResolvers<Consumer>();
  let pending = 0;
  for (let number = 0; number < consumerRequestsMax; number++) {
    // The client writes a name into its options, so each request has options of its own.
    const consumer = js.consumers.get(stream, { ...options, inactive_threshold: consumerForgottenMs });
    pending += 1;
    consumer.then(resolve, () => (pending -= 1));
    requested.push(consumer);
    const first = await Promise.race([promise, pause(consumerHedgeMs)]);
    if (first !== undefined) return first;
    if (pending === 0) break; // Each was refused, which is an answer.
  }
  return Promise.any(requested).catch(({ errors }: AggregateError) => Promise.reject(errors.at(-1) as Error));
}
