/**
 * What happened on the wire during one exchange, when, and how long it took.
 *
 *     127.0.0.1:40312 (this end)  ⇄  127.0.0.1:5007 (the server)
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

import { describeEndpoint, describeTarget } from "@wirebook/net";
import type { Target, Trace } from "@wirebook/net";
import type { Outcome } from "../result.ts";
import { visibleText } from "./terminal-text.ts";
import type { Paint } from "./terminal-text.ts";

/** Rows at the end that stay when those in the middle are summed up. */
const readRowsLast = 8;

/** Rows that `--trace` prints for reads; those between the first and the last are summed up. */
export const readRowsMax = 40;

const arrows = { out: "→", in: "←", wrong: "×", none: " " } as const;

/** The report on one exchange, ending in a line feed. */
export function reportTrace(trace: Trace, target: Target, outcome: Outcome, paint: Paint): string {
  const rows = rowsOf(trace, outcome);
  return [headline(trace, target, paint), "", ...table(rows, trace, paint), "", totals(trace), ""].join("\n");
}

function table(
  rows: readonly TraceRow[],
  { at: { connecting: startMs = 0, closed = startMs } }: Trace,
  paint: Paint,
): string[] {
  const totalMs = closed - startMs;
  const width = Math.max(milliseconds(totalMs).length, "at ms".length) + 2;
  const stepWidth = Math.max(...rows.map(({ step }) => step.length));
  const lines = [paint.faint(`${"at ms".padStart(width)}  ${"+ ms".padStart(width - 2)}`)];
  let beforeMs = startMs;
  for (const { atMs, untilMs, step, direction, meaning } of rows) {
    const sinceMs = (atMs ?? beforeMs) - beforeMs;
    const at = atMs === undefined ? "" : milliseconds(atMs - startMs);
    const since = atMs === undefined || atMs === startMs ? "" : milliseconds(sinceMs);
    const label = tint(paint, direction, `${step.padEnd(stepWidth)}  ${arrows[direction]}`);
    lines.push(
      `${at.padStart(width)}  ${paint.faint(`${since.padStart(width - 2)}  ${bar(sinceMs / totalMs)}`)}  ${label} ${meaning}`,
    );
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

function rowsOf(trace: Trace, outcome: Outcome): TraceRow[] {
  const { at } = trace;
  const rows: (TraceRow | false)[] = [
    { atMs: at.connecting, step: "connecting", direction: "out", meaning: "SYN: asks for a connection" },
    at.established !== undefined && {
      atMs: at.established,
      step: "established",
      direction: "in",
      meaning: "SYN ACK: the server's system accepts it",
    },
    at.written !== undefined && {
      atMs: at.written,
      step: "written",
      direction: "out",
      meaning: `${bytesOf(trace.sentBytes)}: the message is on its way`,
    },
    at.firstByte !== undefined && {
      atMs: at.firstByte,
      step: "first byte",
      direction: "in",
      meaning: "the reply begins",
    },
    ...readRows(trace),
    at.fin !== undefined && {
      atMs: at.fin,
      step: "fin",
      direction: "in",
      meaning: "FIN: the server has said everything",
    },
    closing(at.closed, outcome),
  ];
  return rows.filter((row) => row !== false);
}

function closing(atMs: number | undefined, outcome: Outcome): TraceRow {
  if (outcome.kind === "interrupted") {
    return { atMs, step: "closed", direction: "out", meaning: "this end went away before the server had finished" };
  }
  if (outcome.kind === "failed" && outcome.code !== "empty-reply") {
    return { atMs, step: outcome.code, direction: "wrong", meaning: visibleText(outcome.sentence) };
  }
  return { atMs, step: "closed", direction: "out", meaning: "FIN: so has this end" };
}

function headline({ local, remote }: Trace, target: Target, paint: Paint): string {
  const here = local === undefined ? "no connection" : describeEndpoint(local);
  const there = remote === undefined ? describeTarget(target) : describeEndpoint(remote);
  return `${paint.strong(here)} (this end)  ⇄  ${paint.strong(there)} (the server)`;
}

function totals({ at, sentBytes, receivedBytes, chunks, untimedChunks }: Trace): string {
  const count = chunks.length + untimedChunks;
  const received = `${bytesOf(receivedBytes)} received in ${thousands(count)} ${count === 1 ? "read" : "reads"}`;
  const total = milliseconds((at.closed ?? 0) - (at.connecting ?? 0));
  return `  ${bytesOf(sentBytes)} sent · ${received} · ${total} ms in all`;
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
  readonly first: number;
  readonly bytes: number;
  readonly atMs: number;
  count: number;
  untilMs: number;
}

/**
 * The reads of a reply, a row each, but one row for a run of equal ones; at most `readRowsMax` rows.
 *
 * A long reply comes in thousands of reads, most of them as large as one may be. What matters is
 * where that pattern begins, breaks and ends.
 */
export function readRows({ chunks, untimedChunks, receivedBytes }: Trace): TraceRow[] {
  const runs = runsOf(chunks);
  const rows = runs.map(runRow);
  if (rows.length > readRowsMax) {
    const firstRows = readRowsMax - readRowsLast - 1;
    const between = runs.slice(firstRows, -readRowsLast);
    rows.splice(firstRows, between.length, summaryRow(between));
  }
  if (untimedChunks === 0) return rows;
  const untimedBytes = receivedBytes - chunks.reduce((sum, [, bytes]) => sum + bytes, 0);
  return [...rows, restRow(`${thousands(untimedChunks)} more reads, ${bytesOf(untimedBytes)}, without their times`)];
}

function runsOf(chunks: Trace["chunks"]): Run[] {
  const runs: Run[] = [];
  for (const [index, [atMs, bytes]] of chunks.entries()) {
    const last = runs.at(-1);
    if (last?.bytes === bytes) {
      last.count += 1;
      last.untilMs = atMs;
    } else runs.push({ first: index + 1, bytes, atMs, count: 1, untilMs: atMs });
  }
  return runs;
}

function runRow({ first, bytes, atMs, count, untilMs }: Run): TraceRow {
  if (count === 1) return { atMs, step: `read ${thousands(first)}`, direction: "in", meaning: bytesOf(bytes) };
  return {
    atMs,
    untilMs,
    step: `reads ${thousands(first)}–${thousands(first + count - 1)}`,
    direction: "in",
    meaning: `${thousands(count)} × ${bytesOf(bytes)}, the last ${milliseconds(untilMs - atMs)} ms after the first`,
  };
}

function summaryRow(runs: readonly Run[]): TraceRow {
  const count = runs.reduce((sum, run) => sum + run.count, 0);
  const bytes = runs.reduce((sum, run) => sum + run.count * run.bytes, 0);
  return restRow(`${thousands(count)} reads between, ${bytesOf(bytes)}; --json has them all`);
}

function restRow(meaning: string): TraceRow {
  return { step: "…", direction: "none", meaning };
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
function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 byte`, `65,536 bytes`. */
function bytesOf(count: number): string {
  return `${thousands(count)} ${count === 1 ? "byte" : "bytes"}`;
}

/** `1,204.113`. */
function milliseconds(ms: number): string {
  const [whole = "0", fraction = "000"] = ms.toFixed(3).split(".");
  return `${thousands(Number(whole))}.${fraction}`;
}
