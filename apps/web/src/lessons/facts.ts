/** What is known of one stream of a lesson's run: numbers of its record, on the gateway's clock. */

import type { TlsFacts } from "@wirebook/protocol";
import { KeptBytes } from "../streams/kept-bytes.ts";
import type { Failure, Stream } from "../streams/stream.svelte.ts";
import { count, plural } from "../ui/format.ts";
import { framesIn, lookedAtBytes } from "./web-socket-frames.ts";
import type { SeenFrame } from "./web-socket-frames.ts";

/** A read or a write. */
export interface Part {
  readonly bytes: number;
  /** Milliseconds since the gateway began to connect. */
  readonly ms: number;
}

export interface Facts {
  /** When the gateway began to connect, on its clock: it relates the streams of a run. */
  readonly startMs: number;
  /** From connect() until the connection was established; `undefined` where it was not. */
  readonly handshakeMs: number | undefined;
  /** The TLS handshake behind it. */
  readonly securedMs: number | undefined;
  readonly tls: TlsFacts | undefined;
  /** From the last write before the first byte until that byte; `undefined` where nothing was written or nothing came. */
  readonly waitMs: number | undefined;
  /** From the first byte until the target's FIN. */
  readonly restMs: number | undefined;
  /** From connect() until the stream was over. */
  readonly totalMs: number;
  /** The events that are kept; the counts and sums below are of all. */
  readonly writes: readonly Part[];
  readonly reads: readonly Part[];
  readonly writeCount: number;
  readonly readCount: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** True when bytes came before anything was written. */
  readonly isTargetFirst: boolean;
  /** Who sent FIN, in the order in which they did. */
  readonly fins: readonly ("gateway" | "target")[];
  /** Bytes that came after the gateway had sent FIN. */
  readonly bytesAfterOwnFin: number;
  /** Who ended it with RST. */
  readonly resetBy: "gateway" | "target" | undefined;
  readonly failure: Failure["code"] | undefined;
  /** True when the page gave up and left. */
  readonly isLeft: boolean;
  /** WebSocket frames that the page itself encoded, and those that came back; none where it did not. */
  readonly frames: { readonly sent: readonly SeenFrame[]; readonly received: readonly SeenFrame[] };
}

export function factsOf(stream: Stream): Facts {
  const { record, failure } = stream;
  const { at } = record;
  const startMs = at.connecting ?? at.received ?? 0;
  const part = ({ byteCount, atMs }: { byteCount: number; atMs: number }): Part => ({
    bytes: byteCount,
    ms: atMs - startMs,
  });
  const { reads, writes } = record;
  const firstByteMs = reads[0]?.atMs;
  // The kernel's word for a write can come to a busy gateway after the answer to it.
  const written = writes.findLast(({ atMs }) => atMs <= (firstByteMs ?? Infinity)) ?? writes[0];
  const lastMs = at.closed ?? record.latest?.atMs ?? startMs;
  const { ended = Infinity, fin = Infinity } = at;
  const fins = [{ by: "gateway", atMs: ended } as const, { by: "target", atMs: fin } as const];
  const outcome = record.outcome?.kind === "ended" ? record.outcome.reason : undefined;
  return {
    startMs,
    handshakeMs: since(at.connecting, at.established),
    securedMs: since(at.established, at.secured),
    tls: record.tls,
    waitMs: since(written?.atMs, firstByteMs),
    restMs: since(firstByteMs, at.fin),
    totalMs: Math.max(0, lastMs - startMs),
    writes: writes.map(part),
    reads: reads.map(part),
    writeCount: record.writeCount,
    readCount: record.readCount,
    sentBytes: record.sentBytes,
    receivedBytes: record.receivedBytes,
    isTargetFirst: firstByteMs !== undefined && firstByteMs < (writes[0]?.atMs ?? Infinity),
    fins: fins
      .filter(({ atMs }) => atMs < Infinity)
      .toSorted((a, b) => a.atMs - b.atMs)
      .map(({ by }) => by),
    bytesAfterOwnFin: reads.reduce((sum, { byteCount, atMs }) => sum + (atMs >= ended ? byteCount : 0), 0),
    resetBy: outcome === "reset" ? "gateway" : failure?.code === "connection-reset" ? "target" : undefined,
    failure: failure?.code,
    isLeft: outcome === "cancelled",
    frames: { sent: framesOf(stream, false), received: framesOf(stream, true) },
  };
}

function framesOf({ record }: Stream, isFromTarget: boolean): readonly SeenFrame[] {
  return framesIn(new KeptBytes(record, isFromTarget).join(0, lookedAtBytes));
}

function since(fromMs: number | undefined, toMs: number | undefined): number | undefined {
  return fromMs === undefined || toMs === undefined ? undefined : Math.max(0, toMs - fromMs);
}

/** Numbers that a sentence lists at most. */
const listedMax = 6;

/** The sizes of reads or writes: `11 bytes`, `2, 3 and 6 bytes`, `64, 64, 64, 64, 64, 64 bytes and 3 more`. */
export function sizes(parts: readonly Part[]): string {
  const all = parts.map(({ bytes }) => count(bytes));
  if (all.length > listedMax)
    return `${all.slice(0, listedMax).join(", ")} bytes and ${count(all.length - listedMax)} more`;
  if (all.length < 2) return plural(parts[0]?.bytes ?? 0, "byte");
  return `${all.slice(0, -1).join(", ")} and ${all.at(-1) ?? ""} bytes`;
}
