/** What is known of one stream of a lesson's run: numbers of its record, on the gateway's clock. */

import type { StreamEvent } from "@wirebook/protocol";
import { KeptBytes } from "../streams/kept-bytes.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import { count, plural } from "../ui/format.ts";

const shownBytes = 4096;

export type Facts = Readonly<ReturnType<typeof factsOf>>;

export function factsOf({ record, failure }: Stream) {
  const { at, reads, writes, outcome } = record;
  const startMs = at.connecting ?? at.received ?? 0;
  /** A read or a write, with the milliseconds since the gateway began to connect. */
  const part = ({ byteCount, atMs }: StreamEvent) => ({ bytes: byteCount, ms: atMs - startMs });
  const firstByteMs = reads[0]?.atMs;
  // The kernel's word for a write can come to a busy gateway after the answer to it.
  const written = writes.findLast(({ atMs }) => atMs <= (firstByteMs ?? Infinity)) ?? writes[0];
  const { ended = Infinity, fin = Infinity } = at;
  const both = [{ by: "gateway", atMs: ended } as const, { by: "target", atMs: fin } as const];
  const known = both.filter(({ atMs }) => atMs < Infinity).toSorted((a, b) => a.atMs - b.atMs);
  const first = (isFromTarget: boolean) => new KeptBytes(record, isFromTarget).join(0, shownBytes);
  return {
    /** When the gateway began to connect, on its clock: it relates the streams of a run. */
    startMs,
    handshakeMs: since(at.connecting, at.established),
    securedMs: since(at.established, at.secured),
    tls: record.tls,
    /** From the last write before the first byte until that byte, and from there until the target's FIN. */
    waitMs: since(written?.atMs, firstByteMs),
    restMs: since(firstByteMs, at.fin),
    /** From connect() until the stream was over. */
    totalMs: Math.max(0, (at.closed ?? record.latest?.atMs ?? startMs) - startMs),
    /** The events that are kept; the counts and sums below are of all. */
    writes: writes.map(part),
    reads: reads.map(part),
    writeCount: record.writeCount,
    readCount: record.readCount,
    sentBytes: record.sentBytes,
    receivedBytes: record.receivedBytes,
    isTargetFirst: firstByteMs !== undefined && firstByteMs < (writes[0]?.atMs ?? Infinity),
    /** Who sent FIN, in the order in which they did. */
    fins: known.map(({ by }) => by) as readonly ("gateway" | "target")[],
    bytesAfterOwnFin: reads.reduce((sum, { byteCount, atMs }) => sum + (atMs >= ended ? byteCount : 0), 0),
    failure: failure?.code,
    isLeft: outcome?.kind === "ended" && outcome.reason === "cancelled",
    firstSent: first(false),
    firstReceived: first(true),
  };
}

function since(fromMs: number | undefined, toMs: number | undefined): number | undefined {
  return fromMs === undefined || toMs === undefined ? undefined : Math.max(0, toMs - fromMs);
}

/** Numbers that a sentence lists at most. */
const listedMax = 6;

/** The sizes of reads or writes: `11 bytes`, `2, 3 and 6 bytes`, `64, 64, 64, 64, 64, 64 bytes and 3 more`. */
export function sizes(parts: Facts["reads"]): string {
  const all = parts.map(({ bytes }) => count(bytes));
  const more = all.length - listedMax;
  if (more > 0) return `${all.slice(0, listedMax).join(", ")} bytes and ${count(more)} more`;
  if (all.length < 2) return plural(parts[0]?.bytes ?? 0, "byte");
  return `${all.slice(0, -1).join(", ")} and ${all.at(-1) ?? ""} bytes`;
}
