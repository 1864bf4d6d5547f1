/** The file of `--export`: streams as NDJSON, one a line, for `wirebook compare` and the page. */

import { encodeRecord, encodeSessionHead, recordedEvents, recordVersion } from "@wirebook/capture";
import type { RecordedStream } from "@wirebook/capture";
import { describeHostPort } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { encodeTime, steps } from "@wirebook/protocol";
import type { RecordBounds, StreamRecord } from "@wirebook/protocol";
import { beginsWith, OutputFile } from "./output-file.ts";
import { millisecondsSince } from "./trace-json.ts";

/** What is kept of a stream that is exported or becomes a scenario. A longer one loses its oldest bytes, and says so. */
export const exportBounds: RecordBounds = {
  firstEventsKept: 100_000,
  lastEventsKept: 100_000,
  bytesKept: 16 * 1024 * 1024,
};

/** Opens the file and writes its first line. @throws SettingsError when it holds something else, or cannot be written */
export function openExportFile(path: string, program: string): OutputFile {
  const isHead = beginsWith('{"type":"session');
  const file = new OutputFile(path, { option: "--export", name: "NDJSON", isHead });
  file.write(encodeSessionHead(program, new Date()));
  return file;
}

/** A connection tells of the target's RST by its end alone; here it is an event as well. */
export function noteReset(record: StreamRecord): void {
  const { outcome, at } = record;
  if (outcome?.kind !== "failed" || outcome.code !== "connection-reset" || at.established === undefined) return;
  record.ended("rst", true, at.closed ?? at.established);
}

/** The line of a stream that is over. */
export function exportedLine(record: StreamRecord, { name, address }: Target): string {
  const { at, local, remote, tls } = record;
  const happened = steps.flatMap((step) =>
    at[step] === undefined ? [] : [[step, millisecondsSince(record, at[step])]],
  );
  return encodeRecord({
    type: "stream",
    version: recordVersion,
    startedAt: encodeTime(Math.round((performance.timeOrigin + (at.connecting ?? 0)) * 1000)),
    target: name,
    transport: address.transport,
    ...(address.transport !== "unix" && { address: describeHostPort(address) }),
    message: "",
    by: "user",
    ...(local !== undefined && remote !== undefined && { ends: { client: local, target: remote } }),
    ...(tls !== undefined && { tls }),
    steps: Object.fromEntries(happened) as RecordedStream["steps"],
    events: recordedEvents(record, { at: (atMs) => millisecondsSince(record, atMs), arrived: (atMs) => atMs }),
    frames: [],
    end: endOf(record),
  });
}

function endOf(record: StreamRecord): RecordedStream["end"] {
  const { outcome, at } = record;
  const closed = millisecondsSince(record, at.closed ?? 0);
  if (outcome?.kind !== "failed") return { how: outcome?.reason ?? "running", at: closed };
  const { code, hop, message } = outcome;
  return { how: "failed", code, hop, message, at: closed };
}
