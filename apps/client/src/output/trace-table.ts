/**
 * What happened on the wire during one exchange, when, and how long it took.
 *
 *     127.0.0.1:40312 (this end)  ⇄  127.0.0.1:5007 (the server)  2026-11-28T19:38:12.824+01:00
 *
 *       at ms   + ms
 *       0.000                     connecting   → SYN: asks for a connection
 *       0.310  0.310  ██▌         established  ← SYN ACK: the server's system accepts it
 *       0.402  0.092  ▊           written      → 8 bytes: the message is on its way
 *       …
 *
 * An arrow outward is what this end did, an arrow inward what came from the server; the bar shows which part of the
 * whole time a step took. Times are those at which this program heard of each step, so its own work is in them.
 */

import { describeEndpoint, describeHostPort } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { localTime } from "@wirebook/settings";
import type { StreamEvent, StreamRecord, TlsFacts } from "@wirebook/protocol";
import type { Outcome } from "../result.ts";
import { visibleText } from "./terminal-text.ts";
import type { Paint } from "./terminal-text.ts";

/** Rows at the end that stay when those in the middle are summed up. */
const readRowsLast = 8;

/** Rows that `--trace` prints for reads; those between the first and the last are summed up. */
export const readRowsMax = 40;

const arrows = { out: "→", in: "←", wrong: "×", none: " " } as const;

/** The report on one exchange, ending in a line feed. */
export function reportTrace(record: StreamRecord, target: Target, outcome: Outcome, paint: Paint): string {
  const rows = rowsOf(record, target, outcome);
  return [headline(record, target, paint), "", ...table(rows, record, paint), "", totals(record), ""].join("\n");
}

function table(
  rows: readonly TraceRow[],
  { at: { connecting: startMs = 0, closed = startMs } }: StreamRecord,
  paint: Paint,
): string[] {
  const totalMs = closed - startMs;
  const width = Math.max(milliseconds(totalMs).length, "at ms".length) + 2;
  const stepWidth = Math.max(...rows.map(({ step }) => step.length));
  const lines = [paint.faint(`${"at ms".padStart(width)}  ${"+ ms".padStart(width - 2)}`)];
  let beforeMs = startMs;
  for (const row of rows) {
    const { atMs, untilMs, meaning } = row;
    const sinceMs = (atMs ?? beforeMs) - beforeMs;
    const at = atMs === undefined ? "" : milliseconds(atMs - startMs);
    const since = atMs === undefined || atMs === startMs ? "" : milliseconds(sinceMs);
    const spent = paint.faint(`${since.padStart(width - 2)}  ${bar(sinceMs / totalMs)}`);
    lines.push(`${at.padStart(width)}  ${spent}  ${labelOf(row, stepWidth, paint)} ${meaning}`);
    beforeMs = untilMs ?? atMs ?? beforeMs;
  }
  return lines;
}

const barCells = 10;
const eighths = " ▏▎▍▌▋▊▉";

/** A bar of `barCells` characters, filled by a part of the whole. */
function bar(part: number): string {
  const filled = Math.round((Number.isFinite(part) ? part : 0) * barCells * 8);
  const whole = "█".repeat(Math.floor(filled / 8));
  return (whole + eighths.charAt(filled % 8).trim()).padEnd(barCells);
}

function rowsOf(record: StreamRecord, target: Target, outcome: Outcome): TraceRow[] {
  const { at, sentBytes } = record;
  const rows: (TraceRow | false)[] = [
    ...openingRows(record, target),
    at.written !== undefined && {
      atMs: at.written,
      step: "written",
      direction: "out",
      meaning: `${bytesOf(sentBytes)}: the message is on its way`,
    },
    at.firstByte !== undefined && {
      atMs: at.firstByte,
      step: "first byte",
      direction: "in",
      meaning: "the reply begins",
    },
    ...readRows(record),
    at.fin !== undefined && {
      atMs: at.fin,
      step: "fin",
      direction: "in",
      meaning: "FIN: the server has said everything",
    },
    closingRow(record, outcome),
  ];
  return rows.filter((row) => row !== false);
}

/** How the connection came about. */
export function openingRows({ at, tls }: StreamRecord, { address: { transport } }: Target): TraceRow[] {
  const isUnix = transport === "unix";
  const rows: (TraceRow | false)[] = [
    {
      atMs: at.connecting,
      step: "connecting",
      direction: "out",
      meaning: isUnix ? "connect(): asks for a connection" : "SYN: asks for a connection",
    },
    at.established !== undefined && {
      atMs: at.established,
      step: "established",
      direction: "in",
      meaning: isUnix ? "the system accepts it" : "SYN ACK: the server's system accepts it",
    },
    at.secured !== undefined &&
      tls !== undefined && { atMs: at.secured, step: "secured", direction: "in", meaning: describeTls(tls) },
  ];
  return rows.filter((row) => row !== false);
}

/** What a handshake came to, in a line. */
export function describeTls({ version, cipher, alpn, peer }: TlsFacts): string {
  const protocol = alpn === null ? "" : `, ALPN ${alpn}`;
  const certificate = `certificate of ${peer.subject}, issued by ${peer.issuer}, valid until ${localTime(peer.validTo)}`;
  return visibleText(`${version}, ${cipher}${protocol}; ${certificate}`);
}

/** How it ended. */
export function closingRow({ at: { closed: atMs, ended } }: StreamRecord, outcome: Outcome): TraceRow {
  if (outcome.kind === "interrupted") {
    return { atMs, step: "closed", direction: "out", meaning: "this end went away before the server had finished" };
  }
  if (outcome.kind === "failed" && outcome.code !== "empty-reply") {
    return { atMs, step: outcome.code, direction: "wrong", meaning: visibleText(outcome.sentence) };
  }
  if (ended !== undefined) return { atMs, step: "closed", direction: "none", meaning: "both ends have sent FIN" };
  return { atMs, step: "closed", direction: "out", meaning: "FIN: so has this end" };
}

/** Which two ends the connection has, and when it began, in the first line of a report. */
export function headline(record: StreamRecord, target: Target, paint: Paint): string {
  const { here, there } = placesOf(record, target);
  const began = localTime(performance.timeOrigin + (record.at.connecting ?? 0));
  return `${paint.strong(here)} (this end)  ⇄  ${paint.strong(there)} (the server)  ${paint.faint(began)}`;
}

/** Both ends of a connection as people write them. */
export function placesOf(
  { local, remote, at }: StreamRecord,
  { name, address }: Target,
): Record<"here" | "there", string> {
  const none = at.established === undefined ? "no connection" : "a socket";
  const place = address.transport === "unix" ? visibleText(name) : describeHostPort(address);
  return {
    here: local === undefined ? none : describeEndpoint(local),
    there: remote === undefined ? place : describeEndpoint(remote),
  };
}

/** How much went both ways, in the last line of a report. */
export function totals({ at, sentBytes, receivedBytes, readCount }: StreamRecord): string {
  const received = `${bytesOf(receivedBytes)} received in ${thousands(readCount)} ${readCount === 1 ? "read" : "reads"}`;
  const total = milliseconds((at.closed ?? 0) - (at.connecting ?? 0));
  return `  ${bytesOf(sentBytes)} sent · ${received} · ${total} ms in all`;
}

/** The step of a row, with its arrow, in their colour. */
export function labelOf({ step, direction }: TraceRow, stepWidth: number, paint: Paint): string {
  return tint(paint, direction, `${step.padEnd(stepWidth)}  ${arrows[direction]}`);
}

function tint(paint: Paint, direction: TraceRow["direction"], text: string): string {
  switch (direction) {
    case "out":
      return paint.outward(text);
    case "in":
      return paint.inward(text);
    case "wrong":
      return paint.wrong(text);
    case "none":
      return text;
  }
}

/** Reads of the same size, one after the other. */
interface Run {
  /** The first one's number and the bytes before it, both from 0. */
  readonly first: number;
  readonly offset: number;
  readonly bytes: number;
  readonly atMs: number;
  count: number;
  untilMs: number;
}

/**
 * The reads of a reply, a row each, but one row for a run of equal ones; at most `readRowsMax` rows, and one for those whose
 * times were not kept.
 *
 * A long reply comes in thousands of reads, most of them as large as one may be. What matters is
 * where that pattern begins, breaks and ends.
 */
export function readRows({ reads, omitted }: Pick<StreamRecord, "reads" | "omitted">): TraceRow[] {
  const runs = runsOf(reads);
  if (runs.length > readRowsMax) {
    const where = omitted.events === 0 ? "--json has them all" : "--json has the first and the newest";
    return rowsAround(runs.slice(0, readRowsMax - readRowsLast - 1), runs.slice(-readRowsLast), where);
  }
  const gap = runs.findIndex(({ first }, index) => first > endOf(runs[index - 1]).reads);
  if (gap < 0) return runs.map(runRow);
  return rowsAround(runs.slice(0, gap), runs.slice(gap), "their times were not kept");
}

function runsOf(reads: readonly StreamEvent[]): Run[] {
  const runs: Run[] = [];
  for (const { number, offset, byteCount, atMs } of reads) {
    const last = runs.at(-1);
    if (last?.bytes === byteCount && number === endOf(last).reads) {
      last.count += 1;
      last.untilMs = atMs;
    } else runs.push({ first: number, offset, bytes: byteCount, atMs, count: 1, untilMs: atMs });
  }
  return runs;
}

/** How many reads and bytes there were up to the end of a run. */
function endOf(run: Run | undefined): { readonly reads: number; readonly bytes: number } {
  if (run === undefined) return { reads: 0, bytes: 0 };
  return { reads: run.first + run.count, bytes: run.offset + run.count * run.bytes };
}

/** The rows of runs, with one for all reads between them. */
function rowsAround(before: readonly Run[], after: readonly Run[], what: string): TraceRow[] {
  const { reads, bytes } = endOf(before.at(-1));
  const { first = reads, offset = bytes } = after[0] ?? {};
  const meaning = `${thousands(first - reads)} reads between, ${bytesOf(offset - bytes)}; ${what}`;
  return [...before.map(runRow), { step: "…", direction: "none", meaning }, ...after.map(runRow)];
}

function runRow({ first, bytes, atMs, count, untilMs }: Run): TraceRow {
  const number = first + 1;
  if (count === 1) return { atMs, step: `read ${thousands(number)}`, direction: "in", meaning: bytesOf(bytes) };
  return {
    atMs,
    untilMs,
    step: `reads ${thousands(number)}–${thousands(first + count)}`,
    direction: "in",
    meaning: `${thousands(count)} × ${bytesOf(bytes)}, the last ${milliseconds(untilMs - atMs)} ms after the first`,
  };
}

/** One line of the table that `--trace` prints. */
export interface TraceRow {
  /** Milliseconds of `performance.now()`; absent in a row that only sums up. */
  readonly atMs?: number | undefined;
  /** When the last of several things in one row happened. */
  readonly untilMs?: number;
  readonly step: string;
  /** Whether this end did it, the server did it, or something went wrong. */
  readonly direction: "out" | "in" | "wrong" | "none";
  readonly meaning: string;
}

/** Figures as the trace prints them. */

/** `65,536`. */
export function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 byte`, `65,536 bytes`. */
export function bytesOf(count: number): string {
  return `${thousands(count)} ${count === 1 ? "byte" : "bytes"}`;
}

/** `1,204.113`. */
export function milliseconds(ms: number): string {
  const [whole = "0", fraction = "000"] = ms.toFixed(3).split(".");
  return `${thousands(Number(whole))}.${fraction}`;
}
