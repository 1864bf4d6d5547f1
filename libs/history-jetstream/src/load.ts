/**
 * What a server that starts, or was cut off for long, finds out about the stream.
 *
 * Which sequences are gone the cluster tells in one answer; which are deleted and not erased yet stands in the headers of
 * the outcomes; bytes and the last time are known up to the checkpoint, and counted from there. Messages that are no
 * longer needed may be erased meanwhile, so it looks again until nothing changed between two looks.
 */

import type { StreamState } from "@nats-io/jetstream";
import type { Cluster } from "./cluster.ts";
import { attempt, unavailable } from "./errors.ts";
import { loadAttemptsMax } from "./limits.ts";
import { RankIndex } from "./rank-index.ts";
import { erasureOf, lineBytes } from "./message.ts";
import type { Erasure } from "./message.ts";
import { scan } from "./scan.ts";
import { readCheckpoint } from "./state.ts";
import type { ProjectionStart } from "./projection.ts";

/** An outcome that is in the stream. */
interface Change {
  readonly sequence: number;
  readonly erasure: Erasure | undefined;
}

/** @throws HistoryError `storage-unavailable` */
export async function loadProjection(cluster: Cluster): Promise<ProjectionStart> {
  for (let attempts = 0; attempts < loadAttemptsMax; attempts++) {
    const before = await look(cluster);
    const changes = await readChanges(cluster, before.last_seq);
    const figures = await count(cluster, before.last_seq, changes);
    const after = await look(cluster);
    if (after.first_seq !== before.first_seq || after.num_deleted !== before.num_deleted) continue;
    return { ...figures, ...indexOf(before, changes) };
  }
  throw unavailable(`lines were erased each time this server looked, ${loadAttemptsMax} times; start it again`);
}

async function look({ manager, names }: Cluster): Promise<StreamState> {
  const info = await attempt("did not describe the stream", () =>
    manager.streams.info(names.stream, { deleted_details: true }),
  );
  return info.state;
}

async function readChanges(cluster: Cluster, to: number): Promise<Change[]> {
  const changes: Change[] = [];
  for await (const batch of scan(cluster, { from: 1, to, subject: cluster.names.change, headersOnly: true })) {
    for (const { sequence, headers } of batch) changes.push({ sequence, erasure: erasureOf(headers) });
  }
  return changes;
}

function indexOf(state: StreamState, changes: readonly Change[]): Omit<ProjectionStart, "bytes" | "lastTimeUs"> {
  // Of an empty stream the cluster tells the next sequence as the first one.
  const index = new RankIndex(Math.max(1, state.messages === 0 ? state.last_seq + 1 : state.first_seq));
  if (state.messages > 0) index.appendUpTo(state.last_seq);
  for (const sequence of state.deleted ?? []) index.remove(sequence);
  const pending = new Map<number, number>();
  let lastDeleteAll = 0;
  for (const { sequence, erasure } of changes) {
    if (erasure === "all") {
      index.removeBefore(sequence);
      lastDeleteAll = sequence;
    } else if (erasure !== undefined && index.remove(erasure.sequence)) pending.set(erasure.sequence, sequence);
  }
  return { index, pending, lastDeleteAll, lastChange: changes.at(-1)?.sequence ?? 0 };
}

/** Bytes and the last time: those of the checkpoint, and what came since. */
async function count(
  cluster: Cluster,
  to: number,
  changes: readonly Change[],
): Promise<Pick<ProjectionStart, "bytes" | "lastTimeUs">> {
  const checkpoint = await readCheckpoint(cluster);
  let { bytes, lastTimeUs } = checkpoint;
  const isCounted = (sequence: number): boolean => sequence <= checkpoint.sequence;
  const deleted = new Set<number>();
  for (const { sequence, erasure } of changes) {
    if (!isCounted(sequence) && typeof erasure === "object") deleted.add(erasure.sequence);
  }
  for await (const batch of scan(cluster, { from: checkpoint.sequence + 1, to })) {
    for (const message of batch) {
      const erasure = erasureOf(message.headers);
      if (erasure === "all") bytes = 0;
      else if (erasure !== undefined && isCounted(erasure.sequence)) bytes -= erasure.bytes;
      // Whether or not it is erased already, one that came behind the checkpoint and was deleted counts for nothing.
      if (!deleted.has(message.sequence)) bytes += lineBytes(message);
      lastTimeUs = Math.max(message.takenUs, lastTimeUs + 1);
    }
  }
  return { bytes, lastTimeUs };
}
