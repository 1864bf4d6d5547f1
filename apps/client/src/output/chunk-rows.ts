import type { Trace } from "@wirebook/net";
import { traceChunkRowsLast, traceChunkRowsMax } from "../limits.ts";
import { bytesOf, milliseconds, thousands } from "./figures.ts";
import type { TraceRow } from "./trace-row.ts";

/** Chunks of the same size that came one after the other. */
interface Run {
  readonly first: number;
  readonly bytes: number;
  readonly atMs: number;
  count: number;
  untilMs: number;
}

/**
 * The chunks of a reply, a row each, but one row for a run of equal ones; at most `traceChunkRowsMax` rows.
 *
 * A long reply comes in thousands of chunks, most of them as large as one read may be; what a reader wants to see is
 * where that pattern begins, breaks and ends.
 */
export function chunkRows({ chunks, untimedChunks, receivedBytes }: Trace): TraceRow[] {
  const runs = runsOf(chunks);
  const rows = runs.map(runRow);
  if (rows.length > traceChunkRowsMax) {
    const firstRows = traceChunkRowsMax - traceChunkRowsLast - 1;
    const between = runs.slice(firstRows, -traceChunkRowsLast);
    rows.splice(firstRows, between.length, summary(between));
  }
  if (untimedChunks === 0) return rows;
  const untimedBytes = receivedBytes - chunks.reduce((sum, [, bytes]) => sum + bytes, 0);
  return [...rows, restRow(`${thousands(untimedChunks)} more chunks, ${bytesOf(untimedBytes)}, without their times`)];
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
  if (count === 1) return { atMs, step: `chunk ${thousands(first)}`, direction: "in", meaning: bytesOf(bytes) };
  return {
    atMs,
    untilMs,
    step: `chunks ${thousands(first)}–${thousands(first + count - 1)}`,
    direction: "in",
    meaning: `${thousands(count)} × ${bytesOf(bytes)}, the last ${milliseconds(untilMs - atMs)} ms after the first`,
  };
}

function summary(runs: readonly Run[]): TraceRow {
  const count = runs.reduce((sum, run) => sum + run.count, 0);
  const bytes = runs.reduce((sum, run) => sum + run.count * run.bytes, 0);
  return restRow(`${thousands(count)} chunks between, ${bytesOf(bytes)}; --json has them all`);
}

function restRow(meaning: string): TraceRow {
  return { step: "…", direction: "none", meaning };
}
