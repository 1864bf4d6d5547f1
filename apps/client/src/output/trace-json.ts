import type { Trace } from "@wirebook/net";
import type { Endpoint, Step } from "@wirebook/protocol";

/** A trace for other programs. Times are milliseconds since the connecting began, to the microsecond. */
interface TraceJson {
  /** When the connecting began, by this machine's clock. */
  readonly startedAt: string;
  readonly local: Endpoint | null;
  readonly remote: Endpoint | null;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly steps: Partial<Record<Step, number>>;
  readonly chunks: readonly (readonly [ms: number, bytes: number])[];
  readonly untimedChunks: number;
}

/** The trace as `--json` writes it. */
export function traceJson({ at, chunks, ...trace }: Trace): TraceJson {
  const startMs = at.connecting ?? 0;
  const since = (atMs: number): number => Math.round((atMs - startMs) * 1000) / 1000;
  return {
    startedAt: new Date(performance.timeOrigin + startMs).toISOString(),
    local: trace.local ?? null,
    remote: trace.remote ?? null,
    sentBytes: trace.sentBytes,
    receivedBytes: trace.receivedBytes,
    steps: Object.fromEntries(Object.entries(at).map(([step, atMs]) => [step, since(atMs)])),
    chunks: chunks.map(([atMs, bytes]) => [since(atMs), bytes]),
    untimedChunks: trace.untimedChunks,
  };
}
