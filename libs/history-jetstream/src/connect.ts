/**
 * Connects to the first node of a NATS cluster that can be used, in random order so that servers spread over the nodes.
 *
 * A node may answer and not be ready: its cluster is being started, or it is cut off. So those that answer are tried again
 * for a while. Where no node answers, the address is wrong, most likely, and the start fails at once. A node that goes away,
 * or refuses this server later on, is tried again for ever.
 */

import { jetstream, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { AuthorizationError, connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";
import type { NatsAddress } from "./address.ts";
import { assertTrusted, attempt, Cluster, consumerTimeoutMs, isDenied, namesOf } from "./cluster.ts";
import { authenticatorOf, tlsOf, type NatsCredentials } from "./credentials.ts";

/** Milliseconds for a connection to the only node and for what is created, for other requests, and for one of several nodes. */
const requestTimeoutMs = 5000;
const askTimeoutMs = 2000;
export const connectTimeoutMs = 2000;
const reconnectWaitMs = 250;
/** Milliseconds between two pings to the current node, which is left when two of them stay unanswered. */
export const pingMs = 1000;
/** Milliseconds for which a start stays with a node that answers and is not ready, and until it gives up all such nodes. */
export const startNodeMs = 3000;
export const startMsMax = 20_000;
/** Nanoseconds for which the stream remembers ids: longer than any publish is tried. */
export const duplicateWindowNanos = 120_000_000_000;

/** Why one node cannot be used, when another one may be. One that was reached may be ready later. */
export class NodeRefusal extends Error {
  override readonly name = "NodeRefusal";
  readonly isReached: boolean;

  constructor(message: string, { isReached, cause }: { isReached: boolean; cause: unknown }) {
    super(message, { cause });
    this.isReached = isReached;
  }
}

/** Connects, creates what is not there, and gives the cluster to its first user, who releases it. */
export async function useCluster<User>(
  address: NatsAddress,
  credentials: NatsCredentials,
  use: (cluster: Cluster) => Promise<User>,
): Promise<User> {
  const options = connectionOptions(address, credentials);
  const cluster = await connectAny(address, async (node) => {
    const connection = await connect({ ...options, servers: node }).catch((error: Error) => {
      throw new NodeRefusal(explain(error, options), { isReached: false, cause: error });
    });
    try {
      assertTrusted(connection);
      const ready = await useNode(connection, address);
      // The client goes through them in order, so the current one comes last.
      connection.setServers([...address.servers.filter((server) => server !== node), node]);
      return ready;
    } catch (error) {
      await connection.close();
      throw error;
    }
  });
  try {
    return await use(cluster);
  } catch (error) {
    await cluster.release();
    throw error;
  }
}

/** Uses the first node for which `use` throws no `NodeRefusal`; any other error ends the attempts. */
export async function connectAny<Used>(
  { servers, shown }: Pick<NatsAddress, "servers" | "shown">,
  use: (node: string) => Promise<Used>,
  withinMs: number = startMsMax,
): Promise<Used> {
  const ranked = servers.map((server) => ({ server, rank: Math.random() }));
  const nodes = ranked.toSorted((one, other) => one.rank - other.rank).map(({ server }) => server);
  const refusals = new Map<string, NodeRefusal>();
  const deadlineMs = performance.now() + withinMs;
  for (let tried = 1; ; tried++) {
    const node = nodes[(tried - 1) % nodes.length] as string;
    try {
      return await use(node);
    } catch (error) {
      if (!(error instanceof NodeRefusal)) throw error;
      refusals.set(node, error);
    }
    const isRoundOver = tried % nodes.length === 0;
    const isReached = [...refusals.values()].some((refusal) => refusal.isReached);
    const isLate = tried >= nodes.length && performance.now() >= deadlineMs;
    if (!isLate && (!isRoundOver || isReached)) continue;
    const [reason, ...others] = new Set([...refusals.values()].map(({ message }) => message));
    const reasons = [...refusals].map(([refusing, { message }]) => `${refusing} ${message}`).join("; ");
    const sentence = others.length === 0 ? `${shown} ${reason}` : `no node of ${shown} can be used: ${reasons}`;
    const cause = refusals.get(node);
    throw new HistoryError(isReached ? "storage-unavailable" : "storage-failed", sentence, { cause });
  }
}

function connectionOptions(address: NatsAddress, credentials: NatsCredentials): NodeConnectionOptions {
  const authenticator = authenticatorOf(address, credentials);
  const tls = tlsOf(address, credentials);
  return {
    name: "wirebook",
    // Otherwise `setServers` shuffles: the node that was found to answer would come behind a frozen one.
    noRandomize: true,
    // With several nodes, another one can answer sooner than a frozen one.
    timeout: address.servers.length > 1 ? connectTimeoutMs : requestTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectWaitMs,
    reconnectJitter: reconnectWaitMs,
    pingInterval: pingMs,
    maxPingOut: 2,
    // Otherwise each refusal brings the addresses of the other nodes, and the client tries them all for ever.
    ignoreClusterUpdates: true,
    // A secret that was renewed on the nodes first is renewed here soon, or the operator corrects it.
    ignoreAuthErrorAbort: true,
    // A stack for each request would cost more than the request.
    noAsyncTraces: true,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** Nodes that have just started may not know each other yet, and refuse until they do. */
async function useNode(connection: NatsConnection, address: NatsAddress): Promise<Cluster> {
  try {
    return await attempt("cannot be used", () => prepare(connection, address), startNodeMs);
  } catch (error) {
    const { code, cause } = error as HistoryError;
    if (code !== "storage-unavailable" || isDenied(cause)) throw error;
    throw new NodeRefusal(`cannot be used yet: ${(cause as Error).message}`, { isReached: true, cause });
  }
}

async function prepare(connection: NatsConnection, { history, replicas }: NatsAddress): Promise<Cluster> {
  const creator = await jetstreamManager(connection, { timeout: requestTimeoutMs });
  const names = namesOf(history);
  const created = await ensureStream(creator, names, replicas);
  const kvm = new Kvm(jetstream(connection, { timeout: requestTimeoutMs }));
  await kvm.create(names.state, { replicas, history: 1 });
  const state = await new Kvm(jetstream(connection, { timeout: consumerTimeoutMs })).open(names.state);
  const manager = await jetstreamManager(connection, { timeout: askTimeoutMs, checkAPI: false });
  return new Cluster(connection, { manager, state, names, created, replicas });
}

/** Returns when the stream was created. */
async function ensureStream(manager: JetStreamManager, names: Cluster["names"], replicas: number): Promise<string> {
  const { stream, line, change } = names;
  const subjects = [change, line];
  try {
    const { config, created } = await manager.streams.info(stream);
    const found = config.subjects.toSorted().join(", ");
    if (found === subjects.join(", ")) return created;
    const sentence = `the stream ${stream} holds ${found}, so it is no history; name another one behind the hosts: …/NAME`;
    throw new HistoryError("storage-failed", sentence);
  } catch (error) {
    if (error instanceof HistoryError || (error as Error).message !== "stream not found") throw error;
  }
  const { created } = await manager.streams.add({
    name: stream,
    subjects,
    num_replicas: replicas,
    allow_direct: false,
    duplicate_window: duplicateWindowNanos,
    description: "A Wirebook history: one message a line",
  });
  return created;
}

/** The end of a sentence that begins with the node or the address. None of the client's messages repeats a secret. */
function explain(error: Error, { authenticator }: NodeConnectionOptions): string {
  const { message } = error;
  if (error instanceof AuthorizationError) {
    return authenticator !== undefined
      ? `refuses this server: the user is not known there, or the secret is not the right one (${message})`
      : "asks who this server is; name a user in the address, a .creds file with --nats-credentials or an NKey with --nats-nkey";
  }
  const isAway = /refused|ENOTFOUND|EAI_AGAIN/.test(message);
  // A node that wants a certificate and does not get the right one is silent.
  const tls =
    "if it uses TLS, it wants tls://, the authority of its certificate (--nats-tls-ca), perhaps one of this server's own (--nats-tls-cert, --nats-tls-key)";
  return `cannot be reached: ${message}${isAway ? "" : `; ${tls}`}`;
}
