/** Reads messages of a stream in order, a batch at a time, and requests no more than the caller takes. */

import { setTimeout as pause } from "node:timers/promises";
import type { Consumer, JsMsg, OrderedConsumerOptions } from "@nats-io/jetstream";
import { HistoryError } from "@wirebook/history";
import { askAgainMs, askMsMax, attempt, unavailable, type Cluster } from "./cluster.ts";
import { storedOf, type StoredMessage } from "./message.ts";

/** Messages of a batch, and milliseconds to wait for them. */
const batchMessages = 500;
const batchWaitMs = 2000;

/** Milliseconds without an answer after which another consumer is requested beside those before: five within their timeout. */
const consumerHedgeMs = 200;
const consumerRequestsMax = askMsMax / consumerHedgeMs;
/** Milliseconds after which the cluster forgets an unused consumer: one that came too late, or whose server died. */
const consumerForgottenMs = 30_000;

const what = "did not give the lines";

/** The first and the last sequence to read, of the stream with the lines unless another is named. */
export interface ScanOptions {
  readonly stream?: string;
  readonly from: number;
  readonly to: number;
  /** Only messages of this subject, or without their data. */
  readonly subject?: string;
  readonly headersOnly?: boolean;
}

/** The messages of a range that are still there. A consumer may go away or be behind; then another one goes on in its place. */
export async function* scan(cluster: Cluster, options: ScanOptions): AsyncGenerator<readonly StoredMessage[]> {
  const { stream = cluster.names.stream, from, to, subject, headersOnly = false } = options;
  let next = from;
  let progressMs = performance.now();
  while (next <= to) {
    const opt_start_seq = next;
    const filter = subject === undefined ? {} : { filter_subjects: subject };
    const consumer = await attempt(what, () =>
      requestConsumer(cluster, stream, { opt_start_seq, headers_only: headersOnly, ...filter }),
    );
    try {
      let { num_pending: left } = await attempt(what, () => consumer.info(true));
      while (left > 0 && next <= to) {
        const batch = await fetchBatch(consumer, Math.min(left, batchMessages));
        const last = batch.at(-1) as JsMsg;
        left = last.info.pending;
        next = last.seq + 1;
        const messages = batch.filter(({ seq }) => seq <= to).map(storedOf);
        if (messages.length > 0) yield messages;
        // Only now: the caller may have taken its time, in which the consumer went away with its node.
        progressMs = performance.now();
      }
      if (next > to || (await isOver(cluster, { stream, from: next, to, subject: subject ?? ">" }))) return;
    } catch (error) {
      if (error instanceof HistoryError) throw error;
    } finally {
      // Best effort: the cluster forgets a consumer that is not used.
      await consumer.delete().catch(() => {});
    }
    if (performance.now() - progressMs > askMsMax) throw unavailable(`the cluster ${what} within ${askMsMax} ms`);
    await pause(askAgainMs);
  }
}

/**
 * True when the stream has nothing more in the range. A consumer on a node that is behind knows of fewer messages than there
 * are. The leader knows all once it has applied what it has, so it is asked that first: a new leader may not have.
 */
async function isOver(
  { manager }: Cluster,
  { stream, from, to, subject }: { stream: string; from: number; to: number; subject: string },
): Promise<boolean> {
  const { state } = await attempt(what, () => manager.streams.info(stream));
  if (state.last_seq < to) return false;
  // The server takes both; the client's type knows of one at a time.
  const query = { seq: from, next_by_subj: subject };
  const next = await attempt(what, () => manager.streams.getMessage(stream, query));
  return next === null || next.seq > to;
}

/**
 * A batch that comes whole within `batchWaitMs`; the client itself would wait longer for a node that is gone. A consumer is
 * never asked again after a failure: it counts as delivered what was lost.
 */
async function fetchBatch(consumer: Consumer, count: number): Promise<readonly JsMsg[]> {
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
  if (isLate || batch.length === 0) throw new Error("the batch did not come whole");
  return batch;
}

/**
 * The first consumer of several requests, one shortly after the other: none is answered whose consumer the cluster places on
 * a node that has just died. It forgets those that are left over.
 */
export async function requestConsumer(
  { js }: Cluster,
  stream: string,
  options: Partial<OrderedConsumerOptions>,
): Promise<Consumer> {
  const found = new AbortController();
  const requests = Array.from({ length: consumerRequestsMax }, async (_, number) => {
    if (number > 0) await pause(number * consumerHedgeMs, undefined, { signal: found.signal });
    // The client writes a name into its options, so each request has options of its own.
    return js.consumers.get(stream, { ...options, inactive_threshold: consumerForgottenMs });
  });
  try {
    return await Promise.any(requests);
  } catch (error) {
    throw (error as AggregateError).errors.at(-1);
  } finally {
    found.abort();
  }
}
