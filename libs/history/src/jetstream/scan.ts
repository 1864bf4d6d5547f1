/** Reads messages of the stream in order, a batch at a time, and asks for no more than what is taken. */

import type { Consumer, JsMsg } from "@nats-io/jetstream";
import type { Cluster } from "./cluster.ts";
import { attempt } from "./errors.ts";
import { batchMessages, batchWaitMs } from "./limits.ts";
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
export async function* scan(cluster: Cluster, options: ScanOptions): AsyncGenerator<readonly StoredMessage[]> {
  const { from, to, subject, headersOnly = false } = options;
  if (from > to) return;
  const consumer = await attempt(what, () =>
    cluster.js.consumers.get(cluster.names.stream, {
      opt_start_seq: from,
      headers_only: headersOnly,
      ...(subject === undefined ? {} : { filter_subjects: subject }),
    }),
  );
  try {
    let { num_pending: left } = await attempt(what, () => consumer.info(true));
    while (left > 0) {
      const batch = await attempt(what, () => fetchBatch(consumer, Math.min(left, batchMessages)));
      const last = batch.at(-1);
      if (last === undefined) return;
      left = last.info.pending;
      const wanted = batch.filter(({ seq }) => seq <= to);
      if (wanted.length > 0) yield wanted.map(storedOf);
      if (last.seq >= to) return;
    }
  } finally {
    // Best effort: the cluster forgets a consumer that nobody uses.
    await consumer.delete().catch(() => {});
  }
}

/** A message as this library knows it. */
export function storedOf({ seq, timestampNanos, subject, headers, data }: JsMsg): StoredMessage {
  return { sequence: seq, takenUs: Number(timestampNanos / 1000n), subject, headers, data };
}

async function fetchBatch(consumer: Consumer, count: number): Promise<JsMsg[]> {
  const messages: JsMsg[] = [];
  for await (const message of await consumer.fetch({ max_messages: count, expires: batchWaitMs })) {
    messages.push(message);
  }
  return messages;
}
