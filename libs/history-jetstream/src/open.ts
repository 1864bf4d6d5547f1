/**
 * What the library offers. The engine and the NATS client, whose packages are optional, are loaded when an address asks
 * for them.
 */

import { HistoryError, UsersError } from "@wirebook/history";
import type { History, Users } from "@wirebook/history";
import { decodeNatsAddress } from "./address.ts";
import type { NatsCredentials } from "./credentials.ts";
import type { JetStreamHistoryOptions } from "./history.ts";

export type { NatsCredentials } from "./credentials.ts";

/**
 * Opens a history on a NATS cluster, which is made when it is not there. Any number of servers may have it open at once.
 *
 * @param address `nats://HOST:PORT,HOST:PORT,HOST:PORT/NAME`; see `NatsAddress`
 * @throws HistoryError `storage-failed` when the address or the cluster cannot be used or the NATS client is not
 *   installed, `storage-unavailable` when the cluster does not answer for now
 */
export async function openJetStreamHistory(address: string, options: JetStreamHistoryOptions = {}): Promise<History> {
  const decoded = decodeNatsAddress(address);
  const { openHistory } = await load(() => import("./history.ts"));
  return openHistory(decoded, options);
}

/**
 * Opens the users of a history on a NATS cluster.
 *
 * @throws UsersError `users-failed` when the address or the cluster cannot be used
 */
export async function openJetStreamUsers(address: string, credentials: NatsCredentials = {}): Promise<Users> {
  try {
    const decoded = decodeNatsAddress(address);
    const { openUsers } = await load(() => import("./users.ts"));
    return await openUsers(decoded, credentials);
  } catch (error) {
    if (error instanceof UsersError) throw error;
    throw new UsersError("users-failed", (error as Error).message, { cause: error });
  }
}

/**
 * Brings the lines of a file into a history on a NATS cluster that has none yet. Each line ends in a line feed; the last one
 * may have none.
 *
 * @returns how many
 * @throws HistoryError `storage-failed` when the history has lines already, a line is longer than the cluster takes, or
 *   lines did not arrive in their order: then what is there is not to be used; `storage-unavailable`
 */
export async function importIntoJetStream(
  address: string,
  chunks: AsyncIterable<Uint8Array>,
  credentials: NatsCredentials = {},
): Promise<number> {
  const decoded = decodeNatsAddress(address);
  const { importLines } = await load(() => import("./import.ts"));
  return importLines(decoded, credentials, chunks);
}

async function load<Module>(importModule: () => Promise<Module>): Promise<Module> {
  try {
    return await importModule();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    const sentence =
      "a history on NATS needs @nats-io/jetstream, @nats-io/kv and @nats-io/transport-node, which are not installed; run npm install -g @nats-io/jetstream@3 @nats-io/kv@3 @nats-io/transport-node@3, or npm ci in a checkout";
    throw new HistoryError("storage-failed", sentence, { cause: error });
  }
}
