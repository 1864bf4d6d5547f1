/**
 * Hears the messages of the stream in their order, through one consumer at a time.
 *
 * A consumer lives on one node. When that is gone, or not ready, or behind, another one is made, which may come to live
 * elsewhere. Each is a new turn; what still comes from one before is dropped.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { ConsumerMessages } from "@nats-io/jetstream";
import { HistoryError } from "../errors.ts";
import type { Cluster } from "./cluster.ts";
import { attempt } from "./errors.ts";
import { askAgainMs, batchMessages, consumeMs, heartbeatMs } from "./limits.ts";
import type { StoredMessage } from "./message.ts";
import { storedOf } from "./scan.ts";
import type { View } from "./view.ts";

/** What a consumer says when no more may be expected of it. */
const lost: ReadonlySet<string> = new Set(["no_responders", "heartbeats_missed", "consumer_not_found"]);

/** What is done with what is heard. */
interface Hearer {
  /** A message that the view does not know; there may be a gap before it. */
  readonly onMessage: (view: View, message: StoredMessage) => void;
  /** It cannot go on. */
  readonly onFailure: (error: unknown) => void;
}

/** See above. */
export class Hearing {
  readonly #cluster: Cluster;
  readonly #hearer: Hearer;
  #messages: ConsumerMessages | undefined;
  #turn = 0;
  #isClosed = false;

  constructor(cluster: Cluster, hearer: Hearer) {
    this.#cluster = cluster;
    this.#hearer = hearer;
  }

  /** Hears what comes behind what the view knows. The client goes on by itself after a reconnect. @throws HistoryError `storage-unavailable` */
  async hear(view: View): Promise<void> {
    const consumer = await attempt("did not give the lines", () =>
      this.#cluster.js.consumers.get(this.#cluster.names.stream, { opt_start_seq: view.last + 1 }),
    );
    const turn = ++this.#turn;
    const messages = await consumer.consume({
      max_messages: batchMessages,
      idle_heartbeat: heartbeatMs,
      expires: consumeMs,
      callback: (message) => {
        if (!this.#isTurn(turn)) return;
        const stored = storedOf(message);
        if (stored.sequence > view.last) this.#hearer.onMessage(view, stored);
      },
    });
    // Another one may have been made meanwhile.
    if (!this.#isTurn(turn)) return messages.stop();
    this.#messages?.stop();
    this.#messages = messages;
    void this.#watch(view, messages, turn);
  }

  /**
   * Stops hearing, and begins again by other means, until that works. A cluster without a majority answers nothing, for
   * however long that is.
   */
  async begin(ask: () => Promise<void>): Promise<void> {
    this.#messages?.stop();
    await this.#untilAnswered(ask, ++this.#turn);
  }

  close(): void {
    this.#isClosed = true;
    this.#messages?.stop();
  }

  #isTurn(turn: number): boolean {
    return this.#turn === turn && !this.#isClosed;
  }

  /** The client by itself would wait longer for a consumer that is lost. */
  async #watch(view: View, messages: ConsumerMessages, turn: number): Promise<void> {
    for await (const { type } of messages.status()) {
      if (!lost.has(type)) continue;
      messages.stop();
      if (this.#isTurn(turn)) await this.#untilAnswered(() => this.hear(view), turn);
      return;
    }
  }

  async #untilAnswered(ask: () => Promise<void>, turn: number): Promise<void> {
    while (this.#isTurn(turn)) {
      await pause(askAgainMs);
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof HistoryError && error.code === "storage-unavailable")) {
          return this.#hearer.onFailure(error);
        }
      }
    }
  }
}
