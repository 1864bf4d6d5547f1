/** Reads messages of the stream in order, a batch at a time, and asks for no more than what is taken. */

import { setTimeout as pause } from "node:timers/promises";
import type { Consumer, JsMsg } from "@nats-io/jetstream";
import type { Cluster } from "./cluster.ts";
import { attempt, unavailable } from "./errors.ts";
import { askAgainMs, askMsMax, batchMessages, batchWaitMs } from "./limits.ts";
import type { StoredMessage } from "./message.ts";

const what = "did not give the lines";

/** What to read. */
export interface ScanOptions {
  /** The first sequence. */
  readonly from: number;
  /** The last one. */
  readonly to: number;
  /** Only messages of this subject. */
  readonly subject?: string;
  /** Without the data. */
  readonly headersOnly?: boolean;
}

/**
 * The messages of a range that are still there.
 *
 * @throws HistoryError `storage-unavailable` when the cluster does not answer
 */
export async function* scan(
  cluster: Cluster,
  { from, to, ...filter }: ScanOptions,
): AsyncGenerator<readonly StoredMessage[]> {
  let next = from;
  let progressMs = performance.now();
  while (next <= to) {
    // One consumer for each batch that failed, and usually one in all: it remembers its place.
    const pass = new Pass(cluster, next, filter);
    try {
      for (;;) {
        const batch = await pass.next();
        const last = batch.at(-1);
        if (last === undefined) {
          if (await isOver(cluster, next, to, filter.subject)) return;
          throw new PassLost();
        }
        next = last.sequence + 1;
        const wanted = batch.filter(({ sequence }) => sequence <= to);
        if (wanted.length > 0) yield wanted;
        if (next > to) return;
        // Only now: whoever reads may have taken its time, in which the consumer went with its node.
        progressMs = performance.now();
      }
    } catch (error) {
      if (!(error instanceof PassLost)) throw error;
      if (performance.now() - progressMs > askMsMax) throw unavailable(`the cluster ${what} within ${askMsMax} ms`);
      await pause(askAgainMs);
    } finally {
      await pass.close();
    }
  }
}

/**
 * True when the stream has nothing more in the range. A consumer may live on a node that is behind, and then knows of
 * fewer messages than there are; the leader knows all, once it is in step itself.
 */
async function isOver({ manager, names }: Cluster, from: number, to: number, subject = ">"): Promise<boolean> {
  // The server takes both; the client's type knows of one at a time.
  const query = { seq: from, next_by_subj: subject };
  const next = await attempt(what, () => manager.streams.getMessage(names.stream, query));
  if (next !== null) return next.seq > to;
  // A leader that was just elected may have to apply what it has, and then knows of less than there is, too.
  const { state } = await attempt(what, () => manager.streams.info(names.stream));
  return state.last_seq >= to;
}

/** A consumer went away with the node that kept it, or was not there yet. */
class PassLost extends Error {}

/** One consumer of the cluster, from a sequence on. */
class Pass {
  readonly #cluster: Cluster;
  readonly #from: number;
  readonly #filter: Omit<ScanOptions, "from" | "to">;
  #consumer: Consumer | undefined;
  #left = 0;

  constructor(cluster: Cluster, from: number, filter: Omit<ScanOptions, "from" | "to">) {
    this.#cluster = cluster;
    this.#from = from;
    this.#filter = filter;
  }

  /** The next batch; an empty one at the end. @throws PassLost when another pass may go on from here */
  async next(): Promise<readonly StoredMessage[]> {
    this.#consumer ??= await this.#open();
    if (this.#left === 0) return [];
    const consumer = this.#consumer;
    const ask = (): Promise<JsMsg[]> => fetchBatch(consumer, Math.min(this.#left, batchMessages));
    // Never asked twice of one consumer: it counts as given what was on its way.
    const batch = await ask().catch(lose);
    if (batch.length === 0 && this.#left > 0) throw new PassLost();
    this.#left = batch.at(-1)?.info.pending ?? 0;
    return batch.map(storedOf);
  }

  async close(): Promise<void> {
    // Best effort: the cluster forgets a consumer that nobody uses.
    await this.#consumer?.delete().catch(() => {});
  }

  async #open(): Promise<Consumer> {
    const { subject, headersOnly = false } = this.#filter;
    const consumer = await attempt(what, () =>
      this.#cluster.js.consumers.get(this.#cluster.names.stream, {
        opt_start_seq: this.#from,
        headers_only: headersOnly,
        ...(subject === undefined ? {} : { filter_subjects: subject }),
      }),
    );
    this.#left = (await attempt(what, () => consumer.info(true))).num_pending;
    return consumer;
  }
}

function lose(): never {
  throw new PassLost();
}

/** A message as this library knows it. */
export function storedOf({ seq, timestampNanos, subject, headers, data }: JsMsg): StoredMessage {
  return { sequence: seq, takenUs: Number(timestampNanos / 1000n), subject, headers, data };
}

/**
 * A batch that comes within `batchWaitMs`: the client itself would wait longer for a node that is gone.
 *
 * @throws PassLost when it does not come whole; some of it may be lost then, so nothing of it counts
 */
async function fetchBatch(consumer: Consumer, count: number): Promise<JsMsg[]> {
  const batch: JsMsg[] = [];
  const messages = await consumer.fetch({ max_messages: count, expires: batchWaitMs });
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    messages.stop();
  }, batchWaitMs);
  try {
    for await (const message of messages) batch.push(message);
  } finally {
    clearTimeout(deadline);
  }
  if (isLate) throw new PassLost();
  return batch;
}
