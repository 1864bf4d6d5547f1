/**
 * What the library offers. The engine and the NATS client, whose packages are optional, are loaded when an address asks
 * for them. An address is `nats://HOST:PORT,HOST:PORT,HOST:PORT/NAME`; see `NatsAddress`.
 */

import { HistoryError, UsersError, type History, type Users } from "@wirebook/history";
import { decodeNatsAddress } from "./address.ts";
import type { NatsCredentials } from "./credentials.ts";
import type { JetStreamHistoryOptions } from "./history.ts";

export type { NatsCredentials } from "./credentials.ts";

/**
 * Opens a history, which is made when it is not there. Any number of servers may have it open at once.
 *
 * @throws HistoryError `storage-failed`, `storage-unavailable` when the cluster does not answer for now
 */
export async function openJetStreamHistory(address: string, options: JetStreamHistoryOptions = {}): Promise<History> {
  const decoded = decodeNatsAddress(address);
  const { JetStreamHistory } = await import("./history.ts").catch(notInstalled);
  const { useCluster } = await import("./connect.ts");
  return useCluster(decoded, options, (cluster) => JetStreamHistory.open(cluster, options.onNotice));
}

/** Opens the users of a history. @throws UsersError `users-failed` when the address or the cluster cannot be used */
export async function openJetStreamUsers(address: string, credentials: NatsCredentials = {}): Promise<Users> {
  try {
    const decoded = decodeNatsAddress(address);
    const { openUsers } = await import("./users.ts").catch(notInstalled);
    return await openUsers(decoded, credentials);
  } catch (error) {
    if (error instanceof UsersError) throw error;
    throw new UsersError("users-failed", (error as Error).message, { cause: error });
  }
}

/**
 * Brings the lines of a file into a history that has none yet, and gives their number.
 *
 * @throws HistoryError `storage-failed` when it has lines, a line is longer than the cluster takes, or lines did not arrive
 *   in their order: then what is there is not to be used; `storage-unavailable`
 */
export async function importIntoJetStream(
  address: string,
  chunks: AsyncIterable<Uint8Array>,
  credentials: NatsCredentials = {},
): Promise<number> {
  const decoded = decodeNatsAddress(address);
  const { importLines } = await import("./import.ts").catch(notInstalled);
  return importLines(decoded, credentials, chunks);
}

function notInstalled(error: NodeJS.ErrnoException): never {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  const sentence =
    "a history on NATS needs @nats-io/jetstream, @nats-io/kv and @nats-io/transport-node, which are not installed; run npm install -g @nats-io/jetstream@3 @nats-io/kv@3 @nats-io/transport-node@3, or npm ci in a checkout";
  throw new HistoryError("storage-failed", sentence, { cause: error });
}
