/**
 * One connection to a NATS cluster, and how the cluster is asked for something.
 *
 * The connection stays open while the history, or a reader that outlives it, retains it. A node that goes away is no error
 * here: the client connects to another one, and the caller asks again.
 */

import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { jetstream, type JetStreamClient, type JetStreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { PermissionViolationError, type NatsConnection, type Server } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";

/** The oldest nats-server that is trusted [N-9]: older ones lose acknowledged messages when a node loses power. */
export const natsVersionLeast = "2.10.27";
/** Milliseconds without an answer after which another node is connected to: the current one may be cut off from the others. */
export const failoverMs = 3000;
/** Milliseconds in which that other node must greet. */
export const greetingMsMax = 2000;
/** Milliseconds for each request about a consumer. None is answered that the cluster places on a node which has just died. */
export const consumerTimeoutMs = 1000;
/** Milliseconds for which an unanswered question is repeated, and between two attempts. */
export const askMsMax = 14_000;
export const askAgainMs = 50;
/** Milliseconds for the answer to whether there is a majority; less than a gateway gives a server to say that it is ready. */
export const majorityTimeoutMs = 1500;
/** Milliseconds of silence after which a copy counts as out of reach: the leader hears each copy every second. */
export const silentPeerMs = 5000;

/**
 * What one history is called on the cluster: the stream, which has one message a line; the subjects of lines that change no
 * other line, and of the results of deletes; the buckets of what servers note for each other, and of the users.
 */
export const namesOf = (stream: string) => ({
  stream,
  line: `${stream}.line`,
  change: `${stream}.change`,
  state: `${stream}-state`,
  users: `${stream}-users`,
});

/** A connection, shared by all that retain it. */
export class Cluster {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly manager!: JetStreamManager;
  readonly state!: KV;
  readonly names!: ReturnType<typeof namesOf>;
  /** When the stream was created, which tells it from another one of the same name. */
  readonly created!: string;
  /** Copies of each message. */
  readonly replicas!: number;
  /** Told, in whole sentences, what becomes of the connection. */
  onNotice: (sentence: string) => void = () => {};
  readonly watching: Promise<void>;
  readonly #onReconnect: (() => void)[] = [];
  #holders = 1;
  #leftAtMs = -Infinity;

  constructor(
    connection: NatsConnection,
    facts: Pick<Cluster, "manager" | "state" | "names" | "created" | "replicas">,
  ) {
    this.connection = connection;
    this.js = jetstream(connection, { timeout: consumerTimeoutMs });
    Object.assign(this, facts);
    this.watching = this.#watch();
    this.watching.catch(() => {}); // Whoever writes lines asks for it.
  }

  onReconnect(listener: () => void): void {
    this.#onReconnect.push(listener);
  }

  /**
   * Leaves the current node for another one that answers. One that is cut off from the others keeps its clients, so the
   * client by itself would stay. Several callers at once cause one failover.
   */
  failover(): void {
    const nowMs = performance.now();
    if (nowMs - this.#leftAtMs < failoverMs) return;
    this.#leftAtMs = nowMs;
    this.#moveOn().catch(() => {
      // Best effort: no other node answers, or the connection is closing.
    });
  }

  retain(): void {
    this.#holders += 1;
  }

  /** The last release closes the connection. */
  async release(): Promise<void> {
    this.#holders -= 1;
    if (this.#holders === 0) await this.connection.close();
  }

  /**
   * Resolves when the cluster can acknowledge a line: the stream has a leader, and the leader hears a majority of the
   * copies. A leader that is alone stays leader for some seconds.
   */
  async assertMajority(): Promise<void> {
    const subject = `$JS.API.STREAM.INFO.${this.names.stream}`;
    const answer = await this.connection
      .request(subject, "", { timeout: majorityTimeoutMs })
      .catch((error: unknown) => {
        throw unavailable(`the cluster did not answer within ${majorityTimeoutMs} ms`, error);
      });
    const info = answer.json<StreamInfo | { readonly error: object }>();
    if ("error" in info) throw unavailable("the cluster has no leader for the history");
    const peers = info.cluster?.replicas ?? [];
    const reached = peers.filter(({ offline, active }) => !offline && active < silentPeerMs * 1e6).length + 1;
    if (reached * 2 > this.replicas) return;
    throw unavailable(`${reached} of ${this.replicas} copies of the history can be reached, which is no majority`);
  }

  /** The client dials its servers in order, a frozen one too, so the one that has greeted is put first. */
  async #moveOn(): Promise<void> {
    const current = this.connection.getServer();
    const others = this.connection.getServers().filter(({ listen }) => listen !== current);
    const found = await Promise.any(others.map(untilGreeting));
    const rest = others.filter((server) => server !== found);
    this.connection.setServers([...[found, ...rest].map(({ listen }) => listen), current]);
    await this.connection.reconnect();
  }

  /** The client reports each attempt, several times a second; only changes are passed on. */
  async #watch(): Promise<void> {
    const told = new Set<string>();
    const tell = (what: string, sentence: string): void => {
      if (!told.has(what)) this.onNotice(sentence);
      told.add(what);
    };
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect") tell("lost", `The connection to ${status.server} is lost; trying others.`);
      if (status.type === "error") {
        tell(status.error.message, `The cluster refuses this server, which tries on: ${status.error.message}.`);
      }
      if (status.type !== "reconnect") continue;
      for (const listener of this.#onReconnect) listener();
      told.clear();
      this.onNotice(`Connected to ${status.server}.`);
      assertTrusted(this.connection);
    }
  }
}

/** Resolves when a node greets; the kernel of a frozen one accepts a connection too, and then nothing comes. */
async function untilGreeting(server: Server): Promise<Server> {
  const socket = connect(server.port, server.hostname);
  socket.on("error", () => {});
  try {
    await once(socket, "data", { signal: AbortSignal.timeout(greetingMsMax) });
    return server;
  } finally {
    socket.destroy();
  }
}

export function assertTrusted({ info }: Pick<NatsConnection, "info">): void {
  const version = info?.version ?? "unknown";
  const [numbers = ""] = version.split("-", 1);
  const isNumber = /^\d+\.\d+\.\d+$/.test(numbers);
  if (isNumber && numbers.localeCompare(natsVersionLeast, "en", { numeric: true }) >= 0) return;
  const sentence = `nats-server ${version} may lose acknowledged lines in a power cut; it must be ${natsVersionLeast} or newer`;
  throw new HistoryError("storage-failed", sentence);
}

export function unavailable(why: string, cause?: unknown): HistoryError {
  return new HistoryError("storage-unavailable", why, cause === undefined ? {} : { cause });
}

/** True when the cluster does not permit the request, which asking again does not change. */
export const isDenied = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof PermissionViolationError;

/**
 * Asks for something that may be asked twice, until the cluster answers or the time is over: there may be no leader for now.
 *
 * @param what went wrong if it fails, as the end of a sentence that begins with "the cluster"
 */
export async function attempt<Result>(
  what: string,
  ask: () => Promise<Result>,
  withinMs: number = askMsMax,
): Promise<Result> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof HistoryError) throw error;
      if (isDenied(error) || performance.now() > deadlineMs) {
        const { message } = (isDenied(error) ? (error as Error).cause : error) as Error;
        throw unavailable(`the cluster ${what}: ${message}`, error);
      }
      await pause(askAgainMs);
    }
  }
}
