import type { StreamInfo } from "@nats-io/jetstream";
import type { Cluster } from "./cluster.ts";
import { unavailable } from "./errors.ts";
import { majorityTimeoutMs, silentPeerMs } from "./limits.ts";

const nanosEach = 1_000_000;

/**
 * Finds out whether the cluster can acknowledge a line: whether the stream has a leader, and whether that hears from so many
 * of its copies that they are a majority together. A leader that was left alone keeps its office for some seconds.
 *
 * @throws HistoryError `storage-unavailable` within `majorityTimeoutMs`
 */
export async function assertMajority({ connection, names, replicas }: Cluster): Promise<void> {
  const subject = `$JS.API.STREAM.INFO.${names.stream}`;
  const answer = await connection.request(subject, "", { timeout: majorityTimeoutMs }).catch((error: unknown) => {
    throw unavailable(`the cluster did not answer within ${majorityTimeoutMs} ms`, error);
  });
  const info = answer.json<StreamInfo | { readonly error: object }>();
  if ("error" in info) throw unavailable("the cluster has no leader for the history");
  const copies = info.cluster?.replicas ?? [];
  const heard = copies.filter(({ offline, active }) => !offline && active < silentPeerMs * nanosEach).length + 1;
  if (heard * 2 > replicas) return;
  throw unavailable(`${heard} of ${replicas} copies of the history can be reached, which is no majority`);
}
