/**
 * Hears the messages of one stream in their order, through one consumer at a time, for as long as it is open.
 *
 * A consumer lives on one node. When that is gone, frozen, not ready, or behind, another one is made, which may come to
 * live elsewhere. The client would do that too, and too late: behind a reconnect it asks after its consumer once and then
 * waits for as long as a request for messages lasts. So every sign of a loss makes a new one here: a status that says so,
 * the end of the statuses, a new connection. Each consumer is a turn; what still comes from one before is dropped.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { HistoryError } from "@wirebook/history";
import type { Cluster } from "./cluster.ts";
import { attempt } from "./errors.ts";
import {
  askAgainMs,
  batchMessages,
  consumeMs,
  consumerForgottenMs,
  consumerHedgeMs,
  consumersAtOnceMax,
  elsewhereMs,
  heartbeatMs,
} from "./limits.ts";

/** What a consumer says when no more may be expected of it. */
const lost: ReadonlySet<string> = new Set(["no_responders", "heartbeats_missed", "consumer_not_found"]);

/** A stream, from a place on. */
export interface Place {
  readonly stream: string;
  /** The sequence of the next message that is wanted. */
  next(): number;
  readonly onMessage: (message: JsMsg) => void;
}

/** What is told of the hearing itself. */
interface Listener {
  /** It cannot go on. */
  readonly onFailure: (error: unknown) => void;
  /** Whether messages may be missing for now. */
  readonly onDoubt?: (isInDoubt: boolean) => void;
}

/** See above. */
export class StreamConsumer {
  readonly #cluster: Cluster;
  readonly #listener: Listener;
  readonly #unsubscribe: () => void;
  #place: Place | undefined;
  #messages: ConsumerMessages | undefined;
  #turn = 0;
  #isClosed = false;

  constructor(cluster: Cluster, listener: Listener) {
    this.#cluster = cluster;
    this.#listener = listener;
    this.#unsubscribe = cluster.onReconnect(() => this.renew());
  }

  /** Hears what comes from a place on. @throws HistoryError `storage-unavailable` */
  async hear(place: Place, withinMs?: number): Promise<void> {
    const find = (): Promise<Consumer> =>
      this.#cluster.js.consumers.get(place.stream, {
        opt_start_seq: place.next(),
        inactive_threshold: consumerForgottenMs,
      });
    const consumer = await attempt("did not give the lines", () => firstOf(find), withinMs);
    const turn = ++this.#turn;
    const messages = await consumer.consume({
      max_messages: batchMessages,
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
    this.#listener.onDoubt?.(false);
    void this.#watch(messages, turn);
  }

  /** Makes another consumer, at the place where the one before is. */
  renew(): void {
    const place = this.#place;
    if (place !== undefined && !this.#isClosed) void this.begin(() => this.hear(place, elsewhereMs));
  }

  /**
   * Stops hearing, and begins again by other means, until that works. A cluster without a majority answers nothing, for
   * however long that is.
   */
  async begin(ask: () => Promise<void>): Promise<void> {
    this.#messages?.stop();
    const turn = ++this.#turn;
    this.#listener.onDoubt?.(true);
    while (this.#isTurn(turn)) {
      try {
        return await ask();
      } catch (error) {
        if (this.#isClosed) return;
        if (!(error instanceof HistoryError && error.code === "storage-unavailable")) {
          return this.#listener.onFailure(error);
        }
        // The node that is connected may be the one that is cut off.
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
 * The first consumer that comes of several that are asked for, one shortly after the other: the cluster may give one to a
 * node of whose death it does not know yet, and then it never comes. Those that are left over are forgotten there.
 */
async function firstOf(find: () => Promise<Consumer>): Promise<Consumer> {
  const asked: Promise<Consumer>[] = [];
  const { promise, resolve } = Promise.withResolvers<Consumer>();
  for (let number = 0; number < consumersAtOnceMax; number++) {
    const consumer = find();
    consumer.then(resolve, () => {});
    asked.push(consumer);
    const found = await Promise.race([promise, pause(consumerHedgeMs)]);
    if (found !== undefined) return found;
  }
  return Promise.any(asked).catch(({ errors }: AggregateError) => Promise.reject(errors.at(-1) as Error));
}
