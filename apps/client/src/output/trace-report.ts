/**
 * An exchange for somebody who wants to understand it: what happened on the wire, when, and how long it took.
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
import type { Outcome } from "../outcome.ts";
import { chunkRows } from "./chunk-rows.ts";
import { bytesOf, milliseconds, thousands } from "./figures.ts";
import type { Paint } from "./paint.ts";
import type { TraceRow } from "./trace-row.ts";
import { visibleText } from "./visible.ts";

const arrows = { out: "→", in: "←", wrong: "×", none: " " } as const;

/** The report on one exchange, ending in a line feed. */
export function reportTrace(trace: Trace, target: Target, outcome: Outcome, paint: Paint): string {
  const rows = rowsOf(trace, outcome);
  return [headline(trace, target, paint), "", ...table(rows, trace, paint), "", sum(trace), ""].join("\n");
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
    ...chunkRows(trace),
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

function sum({ at, sentBytes, receivedBytes, chunks, untimedChunks }: Trace): string {
  const count = chunks.length + untimedChunks;
  const received = `${bytesOf(receivedBytes)} received in ${thousands(count)} ${count === 1 ? "chunk" : "chunks"}`;
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
