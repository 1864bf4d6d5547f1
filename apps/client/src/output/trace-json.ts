/** A stream for other programs: what `--json` says of it. Times are milliseconds since the connecting began. */

import { plainText } from "@wirebook/protocol";
import type { RecordBounds, StreamEvent, StreamRecord } from "@wirebook/protocol";
import type { Outcome } from "../result.ts";

/** What the client keeps of a stream: the reads and writes that `--json` lists, and the newest bytes, for `--pcap`. */
export const recordBounds: RecordBounds = { firstEventsKept: 1024, lastEventsKept: 1024, bytesKept: 1024 * 1024 };

/**
 * The trace as `--json` writes it. Of the writes and reads it has the first and the newest; `omitted` says what is missing
 * between them.
 */
export function traceJson(record: StreamRecord): object {
  const { at, local = null, remote = null, tls = null, sentBytes, receivedBytes, writes, reads, omitted } = record;
  const timed = (event: StreamEvent) => [millisecondsSince(record, event.atMs), event.byteCount];
  return {
    startedAt: new Date(performance.timeOrigin + (at.connecting ?? 0)).toISOString(),
    local,
    remote,
    tls,
    sentBytes,
    receivedBytes,
    steps: Object.fromEntries(Object.entries(at).map(([step, atMs]) => [step, millisecondsSince(record, atMs)])),
    writes: writes.map(timed),
    reads: reads.map(timed),
    omitted,
  };
}

/** Since the connecting began, to the microsecond. */
export function millisecondsSince({ at: { connecting = 0 } }: StreamRecord, atMs: number): number {
  return Math.round((atMs - connecting) * 1000) / 1000;
}

/** What went wrong; `null` for an answer. */
export function failureOf(outcome: Outcome): { readonly code: string; readonly message: string } | null {
  switch (outcome.kind) {
    case "answered":
      return null;
    case "failed":
      return { code: outcome.code, message: outcome.sentence };
    case "interrupted":
      return { code: "interrupted", message: "the exchange was interrupted" };
  }
}

/** JSON in which nothing is left that acts on a terminal: what JSON leaves raw is escaped as it escapes the rest. */
export function encodeJson(value: object): string {
  return plainText(JSON.stringify(value));
}
