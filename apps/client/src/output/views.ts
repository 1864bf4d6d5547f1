/** The forms in which a stream is shown, each made from its one record. */

import type { ConnectionOutcome } from "@wirebook/net";
import { decodeText, plainText, type RecordBounds, type StreamEvent, type StreamRecord } from "@wirebook/protocol";
import type { Outcome } from "../command.ts";
import { TextStream, visibleText } from "./text.ts";

/** What is shown of a stream, if anything is. */
export interface View {
  /** The connection is ready. */
  open?(record: StreamRecord): string;
  /** Bytes went one way, or one direction was closed. */
  show?(event: StreamEvent, record: StreamRecord): string | Uint8Array | undefined;
  /** What the end of the connection means, where the view knows more of it. */
  judge?(how: ConnectionOutcome, record: StreamRecord): Outcome;
  end?(record: StreamRecord, outcome: Outcome): string | Uint8Array;
}

export const bytesView: View = { show: ({ isFromTarget, bytes }) => (isFromTarget ? bytes : undefined) };

/** The target's text, with nothing in it that acts on a terminal, and CRLF as a new line. */
export function createTextView(): Required<Pick<View, "show" | "end">> {
  const stream = new TextStream();
  let heldReturn = "";
  return {
    show({ isFromTarget, bytes }) {
      if (!isFromTarget || bytes === undefined) return undefined;
      const text = heldReturn + stream.push(bytes);
      // Its line feed may come with the next read.
      heldReturn = text.endsWith("\r") ? "\r" : "";
      return visibleText(text.slice(0, text.length - heldReturn.length).replaceAll("\r\n", "\n"));
    },
    end: () => visibleText(heldReturn + stream.finish()),
  };
}

export const jsonView: View = {
  open: ({ local = null, remote = null, tls = null }) => jsonLine({ type: "open", local, remote, tls }),
  show({ kind, isFromTarget, atMs, offset, byteCount, bytes }, record) {
    const ms = millisecondsSince(record, atMs);
    if (kind !== "data") return jsonLine({ type: kind, ms, from: isFromTarget ? "target" : "client" });
    const type = isFromTarget ? "read" : "write";
    return jsonLine({ type, ms, offset, bytes: byteCount, text: bytes === undefined ? null : decodeText(bytes) });
  },
  end: (record, outcome) => jsonLine({ type: "end", ...endJson(record, outcome) }),
};

/** What the client keeps of a stream: the reads and writes that `--json` lists, and the newest bytes, for `--pcap`. */
export const recordBounds: RecordBounds = { firstEventsKept: 1024, lastEventsKept: 1024, bytesKept: 1024 * 1024 };

/** What went wrong, `null` for an answer, and the trace, with times in milliseconds since the connecting began. */
export function endJson(record: StreamRecord, outcome: Outcome) {
  const { at, local = null, remote = null, tls = null, sentBytes, receivedBytes, writes, reads, omitted } = record;
  const timed = (event: StreamEvent) => [millisecondsSince(record, event.atMs), event.byteCount];
  const failure =
    outcome.kind === "answered"
      ? null
      : outcome.kind === "failed"
        ? { code: outcome.code, message: outcome.sentence }
        : { code: "interrupted", message: "the exchange was interrupted" };
  const trace = {
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
  return { failure, trace };
}

/** Since the connecting began, to the microsecond. */
export function millisecondsSince({ at: { connecting = 0 } }: StreamRecord, atMs: number): number {
  return Math.round((atMs - connecting) * 1000) / 1000;
}

/** A line of JSON in which nothing is left that acts on a terminal: what JSON leaves raw is escaped as it escapes the rest. */
export function jsonLine(value: object): string {
  return `${plainText(JSON.stringify(value))}\n`;
}
