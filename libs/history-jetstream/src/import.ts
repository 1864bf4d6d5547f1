/**
 * Brings the lines of a file into an empty history, byte for byte and in their order, as external lines: the text is the
 * whole line, with the time that it had. Each line counts when it has come back from the cluster, at its place.
 */

import { HistoryError, type AppendResult } from "@wirebook/history";
import { LineSplitter, type Line } from "@wirebook/protocol";
import type { NatsAddress } from "./address.ts";
import { useCluster } from "./connect.ts";
import type { NatsCredentials } from "./credentials.ts";
import { foreignHeaders } from "./message.ts";
import { JetStreamHistory } from "./history.ts";

/** Lines that are on their way at once. */
const batchLines = 1000;

export function importLines(
  address: NatsAddress,
  credentials: NatsCredentials,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  return useCluster(address, credentials, async (cluster) => {
    const { connection, names } = cluster;
    const history = await JetStreamHistory.open(cluster);
    const { lines: before } = history.size();
    const bytesMax = connection.info?.max_payload ?? Infinity;
    const splitter = new LineSplitter(bytesMax);
    const headers = foreignHeaders();
    let lines = 0;
    let batch: Promise<AppendResult>[] = [];
    const settle = async (): Promise<void> => {
      for (const { position } of await Promise.all(batch)) {
        if (position === ++lines) continue;
        // A repeated line may have come later than what followed it, and others may have written.
        throw failed(`line ${lines} did not arrive in its order; import again, under another name`);
      }
      batch = [];
    };
    const take = async (found: readonly Line[]): Promise<void> => {
      for (const { bytes, length } of found) {
        if (batch.length === batchLines || length > bytesMax) await settle();
        if (length > bytesMax)
          throw failed(`line ${lines + 1} has more bytes than the cluster takes in a message, ${bytesMax}`);
        batch.push(history.appendData(bytes, headers));
      }
    };
    try {
      if (before > 0) throw failed(`the history ${names.stream} has ${before} lines already; name a new one`);
      for await (const chunk of chunks) await take(splitter.push(chunk));
      await take(splitter.finish());
      await settle();
      return lines;
    } finally {
      await history[Symbol.asyncDispose]();
    }
  });
}

function failed(sentence: string): HistoryError {
  return new HistoryError("storage-failed", sentence);
}
