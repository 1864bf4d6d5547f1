/**
 * One connection to a NATS cluster, and what is asked of it.
 *
 * It stays open for as long as somebody needs it: the history, and readers that outlive it. A node that goes away is no
 * error here; the client connects to another one, and what was under way is tried again by whoever asked.
 */

import { readFileSync } from "node:fs";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { KV } from "@nats-io/kv";
import { connect, credsAuthenticator } from "@nats-io/transport-node";
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { HistoryError } from "../errors.ts";
import type { NatsAddress } from "./address.ts";
import { attempt } from "./errors.ts";
import {
  consumerTimeoutMs,
  duplicateWindowNanos,
  natsVersionLeast,
  reconnectWaitMs,
  requestTimeoutMs,
} from "./limits.ts";
import { namesOf } from "./names.ts";
import type { Names } from "./names.ts";

/** How a NATS client proves who it is, and whom it trusts. */
export interface NatsCredentials {
  /** The path of a `.creds` file, as `nsc` and `nats` make them. */
  readonly credentials?: string | undefined;
  /** Paths of PEM files: whom to trust, and this client's own certificate and key. */
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

/** A connection, held by its users. */
export class Cluster {
  readonly connection: NatsConnection;
  /** For consumers. */
  readonly js: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly state: KV;
  readonly names: Names;
  /** When the stream was made. */
  readonly created: string;
  /** Copies of each message. */
  readonly replicas: number;
  /** Nodes that were named; where it is one, there is no other to go to. */
  readonly nodesNamed: number;
  #users = 1;

  constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    state: KV,
    facts: Pick<Cluster, "names" | "created" | "replicas" | "nodesNamed">,
  ) {
    this.connection = connection;
    this.js = jetstream(connection, { timeout: consumerTimeoutMs });
    this.manager = manager;
    this.state = state;
    this.names = facts.names;
    this.created = facts.created;
    this.replicas = facts.replicas;
    this.nodesNamed = facts.nodesNamed;
  }

  /**
   * Leaves the node that is connected for the next one that was named. A node that is cut off from the others keeps its
   * clients' connections, so the client by itself would stay.
   */
  goElsewhere(): void {
    if (this.nodesNamed === 1) return;
    this.connection.reconnect().catch(() => {
      // It is closing, and needs no node any more.
    });
  }

  /** Keeps it open until a `release`. */
  retain(): void {
    this.#users += 1;
  }

  /** The last to let go closes it. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.connection.close();
  }
}

/**
 * Connects, and makes the stream and its bucket when they are not there.
 *
 * @throws HistoryError `storage-failed` when nothing answers, the server is too old, the stream is another program's…;
 *   `storage-unavailable` when it has no JetStream that can be used
 */
export async function openCluster(address: NatsAddress, credentials: NatsCredentials): Promise<Cluster> {
  const connection = await connectTo(address, credentials);
  try {
    checkVersion(connection);
    // Nodes that have just started may not know each other yet, and refuse until they do.
    return await attempt("cannot be used", () => useCluster(connection, address));
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** @throws HistoryError `storage-failed` when the server that is connected is older than those that are trusted */
export function checkVersion({ info }: NatsConnection): void {
  const version = info?.version ?? "unknown";
  if (isAtLeast(version, natsVersionLeast)) return;
  throw new HistoryError(
    "storage-failed",
    `nats-server ${version} may lose acknowledged lines in a power cut; it must be ${natsVersionLeast} or newer`,
  );
}

/** Compares versions of three numbers; what follows a hyphen is ignored. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split("-", 1)[0]?.split(".").map(Number) ?? []);
  for (let at = 0; at < 3; at++) {
    const difference = (have?.[at] ?? Number.NaN) - (want?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

async function useCluster(connection: NatsConnection, { history, replicas, servers }: NatsAddress): Promise<Cluster> {
  const manager = await jetstreamManager(connection, { timeout: requestTimeoutMs });
  const names = namesOf(history);
  const created = await ensureStream(manager, names, replicas);
  const kvm = new Kvm(jetstream(connection, { timeout: requestTimeoutMs }));
  const state = await kvm.create(names.state, { replicas, history: 1 });
  return new Cluster(connection, manager, state, { names, created, replicas, nodesNamed: servers.length });
}

async function connectTo(address: NatsAddress, credentials: NatsCredentials): Promise<NatsConnection> {
  const { servers, user, password, isTls, shown } = address;
  const { credentials: path, tlsCa, tlsCert, tlsKey } = credentials;
  const options: NodeConnectionOptions = {
    servers: [...servers],
    name: "wirebook",
    timeout: requestTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectWaitMs,
    reconnectJitter: reconnectWaitMs,
    pingInterval: requestTimeoutMs,
    maxPingOut: 2,
  };
  if (user !== undefined && password === undefined) options.token = user;
  else if (user !== undefined) Object.assign(options, { user, pass: password });
  try {
    if (path !== undefined) options.authenticator = credsAuthenticator(readFileSync(path));
    if (isTls || tlsCa !== undefined || tlsCert !== undefined) {
      options.tls = {
        ...(tlsCa === undefined ? {} : { caFile: tlsCa }),
        ...(tlsCert === undefined ? {} : { certFile: tlsCert }),
        ...(tlsKey === undefined ? {} : { keyFile: tlsKey }),
      };
    }
    return await connect(options);
  } catch (error) {
    throw failure(`${shown} cannot be reached`, error);
  }
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

function failure(what: string, cause: unknown): HistoryError {
  return new HistoryError("storage-failed", `${what}: ${(cause as Error).message}`, { cause });
}
