import { UsersError } from "@wirebook/history";
import type { History, Users } from "@wirebook/history";
import { decodeNatsAddress } from "./address.ts";
import { openCluster } from "./connect.ts";
import type { NatsCredentials } from "./credentials.ts";
import { importLines } from "./import.ts";
import { JetStreamHistory } from "./history.ts";
import { Replica } from "./replica.ts";
import { openKvUsers } from "./users.ts";

export type { NatsCredentials } from "./credentials.ts";

/** How a history on NATS is opened. */
export interface JetStreamHistoryOptions extends NatsCredentials {
  /** Told, in whole sentences, what a person should know: a connection that was lost, say. Must not throw. */
  readonly onNotice?: (sentence: string) => void;
}

/**
 * Opens a history on a NATS cluster, which is made when it is not there. Any number of servers may have it open at once.
 *
 * @param address `nats://HOST:PORT,HOST:PORT,HOST:PORT/NAME`; see `NatsAddress`
 * @throws HistoryError `storage-failed` when the address or the cluster cannot be used, `storage-unavailable` when it
 *   does not answer for now
 */
export async function openJetStreamHistory(address: string, options: JetStreamHistoryOptions = {}): Promise<History> {
  const cluster = await openCluster(decodeNatsAddress(address), options);
  try {
    return new JetStreamHistory(await Replica.open(cluster, options.onNotice ?? (() => {})));
  } catch (error) {
    await cluster.release();
    throw error;
  }
}

/**
 * Opens the users of a history on a NATS cluster.
 *
 * @throws UsersError `users-failed` when the address or the cluster cannot be used
 */
export async function openJetStreamUsers(address: string, credentials: NatsCredentials = {}): Promise<Users> {
  try {
    const cluster = await openCluster(decodeNatsAddress(address), credentials);
    try {
      return await openKvUsers(cluster);
    } catch (error) {
      await cluster.release();
      throw error;
    }
  } catch (error) {
    if (error instanceof UsersError) throw error;
    throw new UsersError("users-failed", (error as Error).message, { cause: error });
  }
}

/**
 * Brings the lines of a file into a history on a NATS cluster that has none yet; see `importLines`.
 *
 * @returns how many
 * @throws HistoryError `storage-failed`, `storage-unavailable`
 */
export async function importIntoJetStream(
  address: string,
  chunks: AsyncIterable<Uint8Array>,
  credentials: NatsCredentials = {},
): Promise<number> {
  const cluster = await openCluster(decodeNatsAddress(address), credentials);
  try {
    return await importLines(cluster, chunks);
  } finally {
    await cluster.release();
  }
}
