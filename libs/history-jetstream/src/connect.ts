/**
 * Connects to the first node of a NATS cluster that can be used, in random order so that servers spread over the nodes.
 *
 * A node may answer and not be ready: its cluster is being started, or it is cut off from the others. So those that answer
 * are tried again for a while. Where no node answers, the address is wrong, most likely, and the start fails at once.
 * A connection lasts: a node that goes away, or refuses this server later on, is tried again for ever.
 */

import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { AuthorizationError, TimeoutError, connect } from "@nats-io/transport-node";
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";
import type { NatsAddress } from "./address.ts";
import { attempt, Cluster, consumerTimeoutMs, isDenied } from "./cluster.ts";
import type { Names } from "./cluster.ts";
import { authenticatorOf, tlsOf } from "./credentials.ts";
import type { NatsCredentials } from "./credentials.ts";

/** The oldest nats-server that is trusted [N-9]: older ones lose acknowledged messages when a node loses power. */
export const natsVersionLeast = "2.10.27";
/** Milliseconds for a connection to the only node and for each request about streams, and for one to one of several nodes. */
const requestTimeoutMs = 5000;
export const connectTimeoutMs = 2000;
/** Milliseconds between two attempts to connect again. */
const reconnectWaitMs = 250;
/** Milliseconds between two pings to the current node, which is left when two of them stay unanswered. */
export const pingMs = 1000;
/** Milliseconds for which a start stays with a node that answers and is not ready, and until it gives up all such nodes. */
export const startNodeMs = 3000;
export const startMsMax = 20_000;
/** Nanoseconds for which the stream remembers ids: longer than any publish is tried. */
export const duplicateWindowNanos = 120_000_000_000;

/** Why one node cannot be used, when another one may be; the message is the end of a sentence that begins with the node. */
export class NodeRefusal extends Error {
  override readonly name = "NodeRefusal";
  /** True when the node answered, and may be ready later. */
  readonly isReached: boolean;

  constructor(message: string, { isReached, cause }: { isReached: boolean; cause: unknown }) {
    super(message, { cause });
    this.isReached = isReached;
  }
}

/**
 * Connects, and creates the stream and the bucket of the state when they are not there.
 *
 * @throws HistoryError `storage-failed` when no node answers, a node is too old, the stream belongs to another program…;
 *   `storage-unavailable` when no node that answers has a JetStream that can be used
 */
export function openCluster(address: NatsAddress, credentials: NatsCredentials): Promise<Cluster> {
  const options = connectionOptions(address, credentials);
  return connectAny(address, async (node) => {
    const connection = await connectTo(node, options);
    try {
      assertTrusted(connection);
      const cluster = await useNode(connection, address);
      // The client goes through them in order, so the current one comes last.
      connection.setServers([...address.servers.filter((server) => server !== node), node]);
      return cluster;
    } catch (error) {
      await connection.close();
      throw error;
    }
  });
}

/** Gives a cluster to its first user, who releases it. @throws what `openCluster` and the user throw */
export async function useCluster<User>(
  address: NatsAddress,
  credentials: NatsCredentials,
  use: (cluster: Cluster) => Promise<User>,
): Promise<User> {
  const cluster = await openCluster(address, credentials);
  try {
    return await use(cluster);
  } catch (error) {
    await cluster.release();
    throw error;
  }
}

/**
 * Uses the first node that can be used.
 *
 * @param use throws a `NodeRefusal` when another node is to be tried; any other error ends the attempts
 * @throws HistoryError with the reason of each node: `storage-failed` when none answered, `storage-unavailable` when none
 *   that answered was ready in time
 */
export async function connectAny<Used>(
  { servers, shown }: Pick<NatsAddress, "servers" | "shown">,
  use: (node: string) => Promise<Used>,
  withinMs: number = startMsMax,
): Promise<Used> {
  const nodes = shuffle(servers);
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
    if (isLate || (isRoundOver && !isReached)) throw unusable(shown, refusals);
  }
}

function unusable(shown: string, refusals: ReadonlyMap<string, NodeRefusal>): HistoryError {
  const all = [...refusals.values()];
  const [reason, ...others] = new Set(all.map(({ message }) => message));
  const sentence =
    others.length === 0
      ? `${shown} ${reason}`
      : `no node of ${shown} can be used: ${[...refusals].map(([node, { message }]) => `${node} ${message}`).join("; ")}`;
  const code = all.some(({ isReached }) => isReached) ? "storage-unavailable" : "storage-failed";
  return new HistoryError(code, sentence, { cause: all.at(-1) });
}

function shuffle(servers: readonly string[]): readonly string[] {
  const ranked = servers.map((server) => ({ server, rank: Math.random() }));
  return ranked.toSorted((one, other) => one.rank - other.rank).map(({ server }) => server);
}

/** @throws HistoryError `storage-failed` when a file of the credentials cannot be used */
function connectionOptions(address: NatsAddress, credentials: NatsCredentials): NodeConnectionOptions {
  const authenticator = authenticatorOf(address, credentials);
  const tls = tlsOf(address, credentials);
  return {
    name: "wirebook",
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

async function connectTo(node: string, options: NodeConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect({ ...options, servers: node });
  } catch (error) {
    throw new NodeRefusal(explain(error as NodeJS.ErrnoException, options), { isReached: false, cause: error });
  }
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
  const manager = await jetstreamManager(connection, { timeout: requestTimeoutMs });
  const names: Names = {
    stream: history,
    line: `${history}.line`,
    change: `${history}.change`,
    state: `${history}-state`,
    users: `${history}-users`,
  };
  const created = await ensureStream(manager, names, replicas);
  const kvm = new Kvm(jetstream(connection, { timeout: requestTimeoutMs }));
  await kvm.create(names.state, { replicas, history: 1 });
  const state = await new Kvm(jetstream(connection, { timeout: consumerTimeoutMs })).open(names.state);
  return new Cluster(connection, { manager, state, names, created, replicas });
}

/** Returns when the stream was created. */
async function ensureStream(
  manager: JetStreamManager,
  { stream, line, change }: Names,
  replicas: number,
): Promise<string> {
  const subjects = [line, change];
  try {
    const { config, created } = await manager.streams.info(stream);
    const found = config.subjects.toSorted().join(", ");
    if (found === subjects.toSorted().join(", ")) return created;
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

/** @throws HistoryError `storage-failed` when the node that is connected is older than those that are trusted */
function assertTrusted({ info }: NatsConnection): void {
  const version = info?.version ?? "unknown";
  if (isAtLeast(version, natsVersionLeast)) return;
  throw new HistoryError(
    "storage-failed",
    `nats-server ${version} may lose acknowledged lines in a power cut; it must be ${natsVersionLeast} or newer`,
  );
}

/** Compares versions of three numbers; what follows a hyphen is ignored. */
export function isAtLeast(version: string, least: string): boolean {
  const [numbers = ""] = version.split("-", 1);
  return /^\d+\.\d+\.\d+$/.test(numbers) && numbers.localeCompare(least, "en", { numeric: true }) >= 0;
}

/**
 * Reports what becomes of the connection, until it is closed. The client reports each attempt, several times a second; only
 * changes are passed on.
 *
 * @throws HistoryError `storage-failed` when it goes to a node that is too old
 */
export async function watchConnection(connection: NatsConnection, onNotice: (sentence: string) => void): Promise<void> {
  let isLost = false;
  let refusal = "";
  for await (const status of connection.status()) {
    if (status.type === "disconnect" && !isLost) {
      isLost = true;
      onNotice(`The connection to ${status.server} is lost; trying others.`);
    } else if (status.type === "error" && status.error.message !== refusal) {
      refusal = status.error.message;
      onNotice(`The cluster refuses this server, which tries on: ${refusal}.`);
    } else if (status.type === "reconnect" && isLost) {
      isLost = false;
      refusal = "";
      onNotice(`Connected to ${status.server}.`);
      assertTrusted(connection);
    }
  }
}

/** What Node says of a certificate that no authority it was told of has signed. */
const untrusted: ReadonlySet<string | undefined> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** The end of a sentence that begins with the node or the address. None of the client's messages repeats a secret. */
function explain(error: NodeJS.ErrnoException, { authenticator, timeout }: NodeConnectionOptions): string {
  const { message, code, cause } = error;
  if (error instanceof AuthorizationError) {
    return authenticator !== undefined
      ? `refuses this server: the user is not known there, or the secret is not the right one (${message})`
      : "asks who this server is; name a user in the address, a .creds file with --nats-credentials or an NKey with --nats-nkey";
  }
  if (untrusted.has(code)) {
    return `shows a certificate that is not trusted here (${code}); name the file of its authority with --nats-tls-ca`;
  }
  if ((cause as NodeJS.ErrnoException | undefined)?.code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH") {
    return "was not asked: the certificate of --nats-tls-cert and the key of --nats-tls-key do not belong together";
  }
  if (/does not support 'tls'/.test(message)) {
    return "offers no TLS; write nats:// and leave out --nats-tls-…, if the connection may be read on its way";
  }
  if (error instanceof TimeoutError) {
    return `did not answer within ${timeout} ms; a node that asks for this server's own certificate (--nats-tls-cert, --nats-tls-key) and does not get the right one is silent like that, too`;
  }
  return `cannot be reached: ${message}`;
}
