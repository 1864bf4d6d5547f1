/**
 * Brings the lines of a file into an empty history, byte for byte and in their order.
 *
 * They go in as foreign lines: the text is the whole line, and the time at its head is the one it had. What follows them
 * is written by servers, with times that are later. In the end they are read back, which proves that they are all there,
 * and leaves a checkpoint behind, without which the first server would have to count them.
 */

import { HistoryError } from "@wirebook/history";
import type { Cluster } from "./cluster.ts";
import type { HistorySize } from "@wirebook/history";
import { importBatchLines } from "./limits.ts";
import { loadProjection } from "./load.ts";
import { headers } from "./names.ts";
import { Publisher } from "./publisher.ts";
import { writeCheckpoint } from "./state.ts";

const lineFeed = 0x0a;

/**
 * Imports lines, each of which ends in a line feed; a last one without is taken for one too.
 *
 * @returns how many
 * @throws HistoryError `storage-failed` when the history has lines already, a line is longer than the cluster takes, or
 *   lines did not arrive in their order; what is there then is not to be used
 */
export async function importLines(cluster: Cluster, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const { state } = await cluster.manager.streams.info(cluster.names.stream);
  if (state.messages > 0) {
    const sentence = `the history ${cluster.names.stream} has ${state.messages} lines already; name a new one`;
    throw new HistoryError("storage-failed", sentence);
  }
  const publisher = new Publisher(cluster);
  try {
    const sent = await publishAll(cluster, publisher, chunks, state.last_seq);
    await readBack(cluster, sent);
    return sent.lines;
  } finally {
    publisher.close();
  }
}

async function publishAll(
  { connection, names }: Cluster,
  publisher: Publisher,
  chunks: AsyncIterable<Uint8Array>,
  before: number,
): Promise<HistorySize> {
  const bytesMax = connection.info?.max_payload ?? Infinity;
  let count = 0;
  let bytes = 0;
  for await (const lines of batchesOf(chunks)) {
    const tooLong = lines.findIndex((line) => line.length > bytesMax);
    if (tooLong >= 0) {
      const sentence = `line ${count + tooLong + 1} has more bytes than the cluster takes in a message, ${bytesMax}`;
      throw new HistoryError("storage-failed", sentence);
    }
    const more = { [headers.foreign]: "1" };
    const sequences = await Promise.all(lines.map((line) => publisher.publish(names.line, line, more)));
    // What was tried again may have come later than what followed it, and somebody else may have written.
    if (sequences.some((sequence, at) => sequence !== before + count + at + 1)) {
      const sentence = `the lines behind line ${count} did not arrive in their order; import again, under another name`;
      throw new HistoryError("storage-failed", sentence);
    }
    count += lines.length;
    for (const line of lines) bytes += line.length + 1;
  }
  return { lines: count, bytes };
}

/** @throws HistoryError `storage-failed` when the cluster has something else */
async function readBack(cluster: Cluster, sent: HistorySize): Promise<void> {
  const { index, bytes, lastTimeUs } = await loadProjection(cluster);
  if (index.lines !== sent.lines || bytes !== sent.bytes) {
    const sentence = `${sent.lines} lines of ${sent.bytes} bytes were sent, and ${index.lines} of ${bytes} are there; somebody else writes into ${cluster.names.stream}, so import again, under another name`;
    throw new HistoryError("storage-failed", sentence);
  }
  await writeCheckpoint(cluster, { sequence: index.end - 1, bytes, lastTimeUs });
}

/** Lines without their line feeds, some at a time. */
async function* batchesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let rest: Buffer = Buffer.alloc(0);
  let lines: Uint8Array[] = [];
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, at)) {
      lines.push(bytes.subarray(at, end));
      at = end + 1;
      if (lines.length < importBatchLines) continue;
      yield lines;
      lines = [];
    }
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) lines.push(rest);
  if (lines.length > 0) yield lines;
}
