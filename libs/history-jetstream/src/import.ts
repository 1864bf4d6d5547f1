/**
 * Brings the lines of a file into an empty history, byte for byte and in their order.
 *
 * They go in as external lines: the text is the whole line, with the time that it had. Servers write what follows, with later
 * times. At the end the lines are read back, which proves that they are all there, and a checkpoint is written, without
 * which the first server would have to count them.
 */

import { nuid } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";
import type { HistorySize } from "@wirebook/history";
import type { NatsAddress } from "./address.ts";
import { attempt } from "./cluster.ts";
import type { Cluster } from "./cluster.ts";
import { useCluster } from "./connect.ts";
import type { NatsCredentials } from "./credentials.ts";
import { loadProjection, writeCheckpoint } from "./load.ts";
import { foreignHeaders } from "./message.ts";
import { publishTimeoutMs } from "./publisher.ts";

/** Lines that are on their way at once. */
const batchLines = 1000;
const lineFeed = 0x0a;

/** @throws HistoryError as `importIntoJetStream` */
export function importLines(
  address: NatsAddress,
  credentials: NatsCredentials,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  return useCluster(address, credentials, async (cluster) => {
    const { stream } = cluster.names;
    const { state } = await cluster.manager.streams.info(stream);
    if (state.messages > 0) throw failed(`the history ${stream} has ${state.messages} lines already; name a new one`);
    const sent = await publishAll(cluster, chunks, state.last_seq);
    const known = await loadProjection(cluster);
    const { index, bytes } = known;
    if (index.lines !== sent.lines || bytes !== sent.bytes) {
      throw failed(
        `${sent.lines} lines of ${sent.bytes} bytes were sent, and ${index.lines} of ${bytes} are there; another program writes into ${stream}; import again, under another name`,
      );
    }
    await writeCheckpoint(cluster, known);
    await cluster.release();
    return sent.lines;
  });
}

async function publishAll(
  { connection, js, names }: Cluster,
  chunks: AsyncIterable<Uint8Array>,
  before: number,
): Promise<HistorySize> {
  const bytesMax = connection.info?.max_payload ?? Infinity;
  let lines = 0;
  let bytes = 0;
  const publish = (line: Uint8Array): Promise<number> => {
    const id = { msgID: nuid.next(), expect: { streamName: names.stream } };
    const options = { ...id, headers: foreignHeaders(), timeout: publishTimeoutMs };
    return attempt("did not take a line", async () => {
      const { seq } = await js.publish(names.line, line, options);
      if (seq === 0) throw new Error("an earlier sending is not stored yet");
      return seq;
    });
  };
  for await (const batch of batchesOf(chunks)) {
    const tooLong = batch.findIndex((line) => line.length > bytesMax);
    if (tooLong >= 0) {
      throw failed(`line ${lines + tooLong + 1} has more bytes than the cluster takes in a message, ${bytesMax}`);
    }
    const sequences = await Promise.all(batch.map(publish));
    // A repeated line may have come later than what followed it, and others may have written.
    if (sequences.some((sequence, at) => sequence !== before + lines + at + 1)) {
      throw failed(`the lines behind line ${lines} did not arrive in their order; import again, under another name`);
    }
    lines += batch.length;
    for (const line of batch) bytes += line.length + 1;
  }
  return { lines, bytes };
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
      if (lines.length < batchLines) continue;
      yield lines;
      lines = [];
    }
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) lines.push(rest);
  if (lines.length > 0) yield lines;
}

function failed(sentence: string): HistoryError {
  return new HistoryError("storage-failed", sentence);
}
