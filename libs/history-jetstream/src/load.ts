/**
 * What lasts beside the lines in the bucket NAME-state, and how a server finds out about the stream from both when it starts
 * or was cut off too long to catch up.
 *
 *     repair.SEQUENCE   the microseconds of a line's time, where they are not the cluster's
 *     checkpoint        {"created":…,"sequence":…,"bytes":…,"lastTimeUs":…}: how many bytes the lines had, up to where
 *     reader.ID         the earliest moment of a server's readers; see erasure.ts
 *
 * The cluster tells which sequences are gone, the headers of the deletes what is deleted and not erased yet. Bytes and the
 * last time are counted from the checkpoint on. The server looks again until nothing was erased between two looks.
 */

import type { StreamInfoRequestOptions, StreamState } from "@nats-io/jetstream";
import { attempt, unavailable, type Cluster } from "./cluster.ts";
import { decodeErasure, lineBytes, type Erasure } from "./message.ts";
import type { Known } from "./projection.ts";
import { RankIndex } from "./rank-index.ts";
import { scan } from "./scan.ts";

/** Times that a server looks at the stream again because lines were erased meanwhile. */
const loadAttemptsMax = 8;

/** Bytes and time of all lines up to a sequence, of the stream that was created then. */
interface Checkpoint {
  readonly created: string;
  readonly sequence: number;
  readonly bytes: number;
  readonly lastTimeUs: number;
}

type Change = { readonly sequence: number; readonly erasure: Erasure | undefined };

export async function loadProjection(cluster: Cluster): Promise<Known> {
  const { stream, change } = cluster.names;
  for (let attempts = 0; attempts < loadAttemptsMax; attempts++) {
    const before = await look(cluster, stream);
    const changes: Change[] = [];
    for await (const batch of scan(cluster, { from: 1, to: before.last_seq, subject: change, headersOnly: true })) {
      for (const { sequence, headers } of batch) changes.push({ sequence, erasure: decodeErasure(headers) });
    }
    const figures = await count(cluster, before.last_seq, changes);
    const after = await look(cluster, stream);
    if (after.first_seq !== before.first_seq || after.num_deleted !== before.num_deleted) continue;
    return { ...figures, ...indexOf(before, changes) };
  }
  throw unavailable(`lines were erased each time this server looked, ${loadAttemptsMax} times; start it again`);
}

export async function writeCheckpoint({ state, created }: Cluster, known: Known): Promise<void> {
  const { index, bytes, lastTimeUs } = known;
  const checkpoint: Checkpoint = { created, sequence: index.end - 1, bytes, lastTimeUs };
  await attempt("did not take the checkpoint", () => state.put("checkpoint", JSON.stringify(checkpoint)));
}

export async function writeRepair({ state }: Cluster, sequence: number, timeUs: number): Promise<void> {
  await attempt("did not take the time of a line", () => state.put(`repair.${sequence}`, String(timeUs)));
}

/** The latest checkpoint of this very stream; the beginning when there is none. */
async function readCheckpoint({ state, created }: Cluster): Promise<Checkpoint> {
  const entry = await attempt("did not give the checkpoint", () => state.get("checkpoint"));
  const checkpoint = entry?.operation === "PUT" ? entry.json<Checkpoint>() : undefined;
  return checkpoint?.created === created ? checkpoint : { created, sequence: 0, bytes: 0, lastTimeUs: 0 };
}

async function readRepairs(cluster: Cluster): Promise<Map<number, number>> {
  const stream = `KV_${cluster.names.state}`;
  const prefix = `$KV.${cluster.names.state}.repair.`;
  const subject = `${prefix}>`;
  const repairs = new Map<number, number>();
  const { subjects = {}, last_seq: to } = await look(cluster, stream, { subjects_filter: subject });
  // There are hardly ever any, and without them no consumer is needed.
  if (Object.keys(subjects).length === 0) return repairs;
  for await (const batch of scan(cluster, { stream, from: 1, to, subject })) {
    for (const { subject: key, data } of batch) {
      repairs.set(Number(key.slice(prefix.length)), Number(Buffer.from(data).toString()));
    }
  }
  return repairs;
}

async function look(
  { manager }: Cluster,
  stream: string,
  options: Partial<StreamInfoRequestOptions> = { deleted_details: true },
): Promise<StreamState> {
  return (await attempt("did not describe the stream", () => manager.streams.info(stream, options))).state;
}

function indexOf(
  { messages, first_seq: first, last_seq: last, deleted }: StreamState,
  changes: readonly Change[],
): Pick<Known, "index" | "deletedBy" | "deleteAlls" | "lastChange"> {
  // The first sequence of an empty stream is the next one.
  const index = messages === 0 ? new RankIndex(last + 1) : new RankIndex(Math.max(1, first), last + 1, deleted);
  const deletedBy = new Map<number, number>();
  const deleteAlls: number[] = [];
  for (const { sequence, erasure } of changes) {
    if (erasure === "all") {
      index.removeBefore(sequence);
      deleteAlls.push(sequence);
    } else if (erasure !== undefined && index.remove(erasure.sequence)) deletedBy.set(erasure.sequence, sequence);
  }
  return { index, deletedBy, deleteAlls, lastChange: changes.at(-1)?.sequence ?? 0 };
}

async function count(
  cluster: Cluster,
  to: number,
  changes: readonly Change[],
): Promise<Pick<Known, "bytes" | "lastTimeUs" | "repairs">> {
  const repairs = await readRepairs(cluster);
  const checkpoint = await readCheckpoint(cluster);
  let { bytes, lastTimeUs } = checkpoint;
  const isCounted = (sequence: number): boolean => sequence <= checkpoint.sequence;
  const deleted = new Set<number>();
  for (const { sequence, erasure } of changes) {
    if (!isCounted(sequence) && typeof erasure === "object") deleted.add(erasure.sequence);
  }
  for await (const batch of scan(cluster, { from: checkpoint.sequence + 1, to })) {
    for (const message of batch) {
      const { sequence, takenUs } = message;
      const erasure = decodeErasure(message.headers);
      if (erasure === "all") bytes = 0;
      else if (erasure !== undefined && isCounted(erasure.sequence)) bytes -= erasure.bytes;
      // A line that came behind the checkpoint and was deleted counts for nothing, erased or not.
      if (!deleted.has(sequence)) bytes += lineBytes(message);
      lastTimeUs = repairs.get(sequence) ?? Math.max(takenUs, lastTimeUs + 1);
      if (lastTimeUs === takenUs || repairs.has(sequence)) continue;
      // The server that found out about it may have died before it could note it.
      repairs.set(sequence, lastTimeUs);
      await writeRepair(cluster, sequence, lastTimeUs);
    }
  }
  return { bytes, lastTimeUs, repairs };
}
