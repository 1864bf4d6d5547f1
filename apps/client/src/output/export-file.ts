/** The file of `--export`: streams as NDJSON, one a line, for `wirebook compare` and the page. */

import { encodeRecord, encodeSessionHead, endOf, fromStreamRecord, recordVersion } from "@wirebook/capture";
import { describeHostPort } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { encodeTime } from "@wirebook/protocol";
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
  const { at } = record;
  const since = (atMs: number) => millisecondsSince(record, atMs);
  return encodeRecord({
    type: "stream",
    version: recordVersion,
    startedAt: encodeTime(Math.round((performance.timeOrigin + (at.connecting ?? 0)) * 1000)),
    target: name,
    transport: address.transport,
    ...(address.transport !== "unix" && { address: describeHostPort(address) }),
    message: "",
    by: "user",
    ...fromStreamRecord(record, { at: since, arrived: since }),
    frames: [],
    end: endOf(record, since(at.closed ?? 0)),
  });
}
