/**
 * What lasts beside the stream, in the bucket NAME-state: repairs of times, how far readers are, and the checkpoint.
 *
 *     repair.SEQUENCE   the microseconds of a line's time, where they are not the cluster's
 *     reader.ID         the earliest moment of a server's readers
 *     checkpoint        {"created":…,"sequence":…,"bytes":…,"lastTimeUs":…}: how many bytes the lines had, up to where
 *
 * All of it could be lost and only cost time, but for the repairs.
 */

import { HeardBucket } from "./bucket.ts";
import type { Cluster } from "./cluster.ts";
import { attempt } from "./errors.ts";
import type { ReadLeases } from "./read-leases.ts";

/** Bytes and time of all lines up to a sequence. */
export interface Checkpoint {
  readonly sequence: number;
  readonly bytes: number;
  readonly lastTimeUs: number;
}

const nowhere: Checkpoint = { sequence: 0, bytes: 0, lastTimeUs: 0 };

/** The latest checkpoint of this very stream; the beginning when there is none. */
export async function readCheckpoint({ state, created }: Cluster): Promise<Checkpoint> {
  const entry = await attempt("did not give the checkpoint", () => state.get("checkpoint"));
  if (entry === null || entry.operation !== "PUT") return nowhere;
  const checkpoint = entry.json<Checkpoint & { readonly created: string }>();
  return checkpoint.created === created ? checkpoint : nowhere;
}

export async function writeCheckpoint({ state, created }: Cluster, checkpoint: Checkpoint): Promise<void> {
  await attempt("did not take the checkpoint", () =>
    state.put("checkpoint", JSON.stringify({ created, ...checkpoint })),
  );
}

/** Remembers the time of a line that is not the cluster's. */
export async function writeRepair({ state }: Cluster, sequence: number, timeUs: number): Promise<void> {
  await attempt("did not take the time of a line", () => state.put(`repair.${sequence}`, String(timeUs)));
}

/** Hears what other servers have written and write; resolves when all that there was has been heard. */
export function hearState(
  cluster: Cluster,
  onRepair: (sequence: number, timeUs: number) => void,
  readers: ReadLeases,
): Promise<HeardBucket> {
  return HeardBucket.open(
    cluster,
    cluster.names.state,
    "did not give its notes",
    (key, message) => {
      const [kind, sequence] = key.split(".", 2);
      const number = message && Number(message.string());
      if (kind === "reader") readers.hear(key, number);
      else if (kind === "repair" && number !== undefined) onRepair(Number(sequence), number);
    },
    (isInDoubt) => readers.doubt(isInDoubt),
  );
}
