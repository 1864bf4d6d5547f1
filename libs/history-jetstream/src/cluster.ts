/**
 * One connection to a NATS cluster, and what is asked of it.
 *
 * It stays open for as long as somebody needs it: the history, and readers that outlive it. A node that goes away is no
 * error here; the client connects to another one, and what was under way is tried again by whoever asked.
 */

import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";
import type { NatsAddress } from "./address.ts";
import { checkVersion, connectionOptions, connectTo } from "./connection.ts";
import type { NatsCredentials } from "./credentials.ts";
import { attempt, isDenied } from "./errors.ts";
import { connectAny, NodeRefusal } from "./connect-any.ts";
import { consumerTimeoutMs, duplicateWindowNanos, elsewhereMs, requestTimeoutMs, startNodeMs } from "./limits.ts";
import { namesOf } from "./names.ts";
import { NodeChoice } from "./node-choice.ts";
import type { Names } from "./names.ts";

/** A connection, held by its users. */
export class Cluster {
  readonly connection: NatsConnection;
  /** For consumers, as is the bucket. */
  readonly js: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly state: KV;
  readonly names: Names;
  /** When the stream was made. */
  readonly created: string;
  /** Copies of each message. */
  readonly replicas: number;
  /** Those that were named; where it is one, there is no other to go to. */
  readonly nodes: readonly string[];
  readonly choice: NodeChoice;
  readonly #onReconnect = new Set<() => void>();
  #users = 1;
  #leftMs = -Infinity;

  constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    state: KV,
    facts: Pick<Cluster, "names" | "created" | "replicas" | "nodes" | "choice">,
  ) {
    this.connection = connection;
    this.js = jetstream(connection, { timeout: consumerTimeoutMs });
    this.manager = manager;
    this.state = state;
    this.names = facts.names;
    this.created = facts.created;
    this.replicas = facts.replicas;
    this.nodes = facts.nodes;
    this.choice = facts.choice;
    void this.#watch();
  }

  /** Calls back at each new connection, until the function that it returns is called. */
  onReconnect(listener: () => void): () => void {
    this.#onReconnect.add(listener);
    return () => this.#onReconnect.delete(listener);
  }

  /**
   * Leaves the node that is connected for another one that was named, if one speaks. A node that is cut off from the others keeps its
   * clients' connections, so the client by itself would stay. Several may ask for it at once: it happens once.
   */
  failover(): void {
    const nowMs = performance.now();
    if (this.nodes.length === 1 || nowMs - this.#leftMs < elsewhereMs) return;
    this.#leftMs = nowMs;
    void this.#leave().catch(() => {
      // It is closing, and needs no node any more.
    });
  }

  /** Keeps it open until a `release`. */
  retain(): void {
    this.#users += 1;
  }

  async #leave(): Promise<void> {
    const isFound = await this.choice.findOther(this.nodes, this.connection.getServer());
    if (isFound && !this.connection.isClosed()) await this.connection.reconnect();
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "reconnect") for (const listener of this.#onReconnect) listener();
    }
  }

  /** The last to let go closes it. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.connection.close();
  }
}

/**
 * Connects to the first of its nodes that can be used, and makes the stream and its bucket when they are not there.
 *
 * @throws HistoryError `storage-failed` when nothing answers, a server is too old, the stream is another program's…;
 *   `storage-unavailable` when no node that answers has a JetStream that can be used
 */
export function openCluster(address: NatsAddress, credentials: NatsCredentials): Promise<Cluster> {
  const choice = new NodeChoice();
  const options = connectionOptions(address, credentials, choice);
  return connectAny(address, async (node) => {
    const connection = await connectTo(node, options);
    try {
      checkVersion(connection);
      const cluster = await useNode(connection, address, choice);
      connection.setServers([...address.servers]);
      return cluster;
    } catch (error) {
      await connection.close();
      throw error;
    }
  });
}

/** Nodes that have just started may not know each other yet, and refuse until they do. @throws NodeRefusal */
async function useNode(connection: NatsConnection, address: NatsAddress, choice: NodeChoice): Promise<Cluster> {
  try {
    return await attempt("cannot be used", () => useCluster(connection, address, choice), startNodeMs);
  } catch (error) {
    const { code, cause } = error as HistoryError;
    if (code !== "storage-unavailable" || isDenied(cause)) throw error;
    throw new NodeRefusal(`cannot be used yet: ${(cause as Error).message}`, { isReached: true, cause });
  }
}

async function useCluster(
  connection: NatsConnection,
  { history, replicas, servers }: NatsAddress,
  choice: NodeChoice,
): Promise<Cluster> {
  const manager = await jetstreamManager(connection, { timeout: requestTimeoutMs });
  const names = namesOf(history);
  const created = await ensureStream(manager, names, replicas);
  const kvm = new Kvm(jetstream(connection, { timeout: requestTimeoutMs }));
  await kvm.create(names.state, { replicas, history: 1 });
  const state = await new Kvm(jetstream(connection, { timeout: consumerTimeoutMs })).open(names.state);
  return new Cluster(connection, manager, state, { names, created, replicas, nodes: servers, choice });
}

/** Returns when the stream was made, which tells it from another one of the same name. */
async function ensureStream(manager: JetStreamManager, names: Names, replicas: number): Promise<string> {
  const wanted = [names.line, names.change];
  try {
    const { config, created } = await manager.streams.info(names.stream);
    const subjects = config.subjects.toSorted().join(", ");
    if (subjects === wanted.toSorted().join(", ")) return created;
    throw new HistoryError(
      "storage-failed",
      `the stream ${names.stream} holds ${subjects}, so it is no history; name another one behind the hosts: …/NAME`,
    );
  } catch (error) {
    if (error instanceof HistoryError || (error as Error).message !== "stream not found") throw error;
  }
  const { created } = await manager.streams.add({
    name: names.stream,
    subjects: wanted,
    num_replicas: replicas,
    allow_direct: false,
    duplicate_window: duplicateWindowNanos,
    description: "A Wirebook history: one message a line",
  });
  return created;
}
