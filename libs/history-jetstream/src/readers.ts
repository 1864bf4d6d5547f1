/** Readers: a place in the stream, and one chunk at a time. Nothing is queued for a reader that is slow. */

import { once } from "node:events";
import { HistoryError, readChunkBytesDefault, type Feed } from "@wirebook/history";
import type { StoredMessage } from "./message.ts";
import type { JetStreamHistory } from "./history.ts";
import { scan } from "./scan.ts";

/**
 * The lines of some positions as they stand now and, when it follows, every line as it comes. Until it is released, it
 * retains the connection, and its moment keeps what is not erased yet.
 */
export function openReader(
  { cluster, leases, view }: Pick<JetStreamHistory, "cluster" | "leases" | "view">,
  from: number,
  to: number,
  isFollowing: boolean,
): Pick<Feed, "chunks" | typeof Symbol.asyncDispose> {
  const reader = { moment: view.last };
  const forget = leases.add(reader);
  const [first, last] = [view.sequenceOf(from), view.sequenceOf(to)];
  const released = new AbortController();
  const { signal } = released;
  cluster.retain();

  async function release(): Promise<void> {
    if (signal.aborted) return;
    released.abort();
    forget();
    await cluster.release();
  }

  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      if (from <= to && !signal.aborted) yield* linesAsTheyStood();
      while (isFollowing && !signal.aborted) {
        if (reader.moment < view.last) yield* catchUp(view.last);
        else if (view.end === undefined) await once(view, "change", { signal }).catch(() => {});
        else if (view.end === "closed") return;
        else throw view.end;
      }
    } finally {
      await release();
    }
  }

  /** It counts them, so that none is missing. */
  async function* linesAsTheyStood(): AsyncGenerator<Uint8Array> {
    const { moment } = reader;
    let missing = to - from + 1;
    for await (const batch of scan(cluster, { from: first, to: last })) {
      const standing = batch.filter(({ sequence }) => view.stoodAt(sequence, moment));
      missing -= standing.length;
      yield* linesOf(standing);
      if (signal.aborted) return;
    }
    if (missing > 0) throw erasedEarly(missing);
  }

  /** The lines behind the moment up to what was seen: every message is one, whatever was deleted since. */
  async function* catchUp(until: number): AsyncGenerator<Uint8Array> {
    const recent: Uint8Array[] = [];
    for (let sequence = reader.moment + 1; sequence <= until; sequence++) {
      const line = view.recentLine(sequence);
      if (line !== undefined) recent.push(line);
    }
    if (recent.length === until - reader.moment) {
      reader.moment = until;
      return yield* chunksOf(recent);
    }
    for await (const batch of scan(cluster, { from: reader.moment + 1, to: until })) {
      for (const { sequence } of batch) {
        if (sequence !== reader.moment + 1) throw erasedEarly(sequence - reader.moment - 1);
        reader.moment = sequence;
      }
      yield* linesOf(batch);
      if (signal.aborted) return;
    }
    if (reader.moment < until) throw erasedEarly(until - reader.moment);
  }

  const linesOf = (batch: readonly StoredMessage[]): Generator<Uint8Array> =>
    chunksOf(signal.aborted ? [] : batch.map((message) => view.lineOf(message)));

  return { chunks: read(), [Symbol.asyncDispose]: release };
}

function* chunksOf(lines: readonly Uint8Array[]): Generator<Uint8Array> {
  let start = 0;
  let bytes = 0;
  for (const [at, { length }] of lines.entries()) {
    if (bytes + length > readChunkBytesDefault && at > start) {
      yield Buffer.concat(lines.slice(start, at));
      [start, bytes] = [at, 0];
    }
    bytes += length;
  }
  if (start < lines.length) yield Buffer.concat(lines.slice(start));
}

function erasedEarly(count: number): HistoryError {
  const sentence = `${count} lines were erased before they were read: this server was cut off from its cluster for too long`;
  return new HistoryError("storage-failed", sentence);
}
