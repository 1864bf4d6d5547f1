/**
 * A session as a file: NDJSON, a head and then a line for each stream. A broken line costs only its own stream, so that a
 * file which was cut off, or edited by hand, still shows what is whole in it.
 */

import * as z from "zod/mini";
import { recordedStream, recordVersion, type RecordedStream } from "./record.ts";
import { fromVersion1 } from "./record-v1.ts";

/** Bytes of a file that are read, and of one of its lines; streams; broken lines, and those with a sentence of their own. */
export const sessionBytesMax = 256 * 1024 * 1024;
export const recordBytesMax = 64 * 1024 * 1024;
export const recordsMax = 5000;
export const brokenLinesMax = 1000;
export const problemsMax = 20;

const note =
  "Streams of Wirebook, one a line: times in ms since startedAt, bytes in base64. Keys are replaced by asterisks.";

export function encodeSessionHead(program: string, exportedAt: Date): string {
  const head = { type: "session", version: recordVersion, program, exportedAt: exportedAt.toISOString(), note };
  return `${JSON.stringify(head)}\n`;
}

export function encodeRecord(record: RecordedStream): string {
  return `${JSON.stringify(record)}\n`;
}

/**
 * Reads a session's file, with a sentence for each line that cannot be read: past `problemsMax`, their number. After
 * `brokenLinesMax` of them it gives up, since looking through all of a large file that is something else takes long.
 */
export function decodeSession(file: Uint8Array): { records: readonly RecordedStream[]; problems: readonly string[] } {
  const lines = linesOf(file);
  const headProblem = sessionTooBig(file.length) ?? problemOfHead(lines.next().value);
  if (headProblem !== undefined) return { records: [], problems: [headProblem] };
  const records: RecordedStream[] = [];
  const problems: string[] = [];
  let number = 1;
  for (const line of lines) {
    if (problems.length === brokenLinesMax) break;
    number += 1;
    if (line.length === 0) continue;
    const decoded = records.length < recordsMax ? decodeRecord(line) : `over the limit of ${recordsMax} streams`;
    if (typeof decoded === "string") problems.push(`line ${number} is ${decoded}`);
    else records.push(decoded);
  }
  const gaveUp = problems.length === brokenLinesMax ? `; what is behind line ${number} was not looked at` : "";
  const further = problems.splice(problemsMax).length;
  if (further > 0) problems.push(`${further} more ${further === 1 ? "line" : "lines"} cannot be read${gaveUp}`);
  return { records, problems };
}

/** Why a file of that many bytes is not read at all; `undefined` when it is. */
export function sessionTooBig(bytes: number): string | undefined {
  if (bytes <= sessionBytesMax) return undefined;
  return `the file has ${bytes} bytes, over the limit of ${sessionBytesMax}; export fewer of them`;
}

function* linesOf(file: Uint8Array): Generator<Uint8Array, undefined> {
  for (let from = 0; from < file.length;) {
    const end = file.indexOf(0x0a, from);
    yield file.subarray(from, end < 0 ? file.length : end);
    from = end < 0 ? file.length : end + 1;
  }
  return undefined;
}

function problemOfHead(line: Uint8Array = new Uint8Array(0)): string | undefined {
  // A pcapng file has no lines at all, so what is looked at is bounded.
  const version = line.length > recordBytesMax ? undefined : versionOf(parse(line), "session");
  if (version === undefined) {
    return "its first line is not the head of a session; load a file that Wirebook exported as NDJSON";
  }
  return version > recordVersion ? `it is ${laterVersion(version)}` : undefined;
}

function laterVersion(version: number): string {
  return `of version ${version}, and this Wirebook reads versions up to ${recordVersion}`;
}

/** The record of a line, or how the sentence "line N is …" goes on. */
export function decodeRecord(line: Uint8Array): RecordedStream | string {
  if (line.length > recordBytesMax) return `${line.length} bytes long, over the limit of ${recordBytesMax}`;
  const value = parse(line);
  if (value === undefined) return "not JSON; was the file cut off or edited?";
  const version = versionOf(value, "stream");
  if (version !== undefined && version > recordVersion) return laterVersion(version);
  const { data, error } = recordedStream.safeParse(versionOf(value, "exchange") === 1 ? fromVersion1(value) : value);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".").slice(0, 100)}`;
  return `not the record of a stream${where} (${issue?.code ?? "unknown"})`;
}

function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
  } catch {
    return undefined;
  }
}

const versioned = z.object({ type: z.string(), version: z.number() });

/** The version of a line of that type; `undefined` for any other value. */
function versionOf(value: unknown, type: string): number | undefined {
  const { data } = versioned.safeParse(value);
  return data?.type === type ? data.version : undefined;
}
