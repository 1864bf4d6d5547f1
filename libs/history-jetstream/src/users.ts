/**
 * Users in a key-value bucket, NAME-users, shared by all servers of a history.
 *
 *     KEY     the folded name, in hexadecimal: a bucket's keys know no letters beyond ASCII
 *     VALUE   {"name":…,"role":…,"keyHash":…,"createdAt":…,"createdBy":…}, and "isPending":true until it is confirmed
 *
 * The bucket's revisions decide between servers: a name is given by creating its key, which one of many can do, and every
 * later step names the revision that it means. A pending user cannot be found; one that a dead process left behind
 * gives way after `pendingUserMs`.
 */

import { EventEmitter, once } from "node:events";
import { Kvm } from "@nats-io/kv";
import type { JsMsg } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import { assertRoomForUser, HistoryError, nameTaken, noSuchUser, UsersError } from "@wirebook/history";
import type { User, Users } from "@wirebook/history";
import { foldName } from "@wirebook/protocol";
import type { NatsAddress } from "./address.ts";
import { askMsMax, attempt, unavailable } from "./cluster.ts";
import type { Cluster } from "./cluster.ts";
import { useCluster } from "./connect.ts";
import type { NatsCredentials } from "./credentials.ts";
import { StreamConsumer } from "./stream-consumer.ts";

/** Milliseconds after which a name that was taken and never confirmed may be taken by another. */
export const pendingUserMs = 30_000;

/** The end of a sentence that begins with the cluster. A question may go to a frozen node, so it is repeated. */
const untold = "did not tell of its users";

type StoredUser = User & { readonly isPending?: boolean };

/** @throws UsersError `users-failed`, HistoryError */
export function openUsers(address: NatsAddress, credentials: NatsCredentials): Promise<Users> {
  return useCluster(address, credentials, async (cluster) => {
    const { js, names, replicas } = cluster;
    const bucket = await attempt(untold, () => new Kvm(js).create(names.users, { replicas, history: 1 }));
    const users = new KvUsers(cluster, bucket);
    // Without success the cluster is released, and the consumer with it.
    await users.start();
    return users;
  });
}

class KvUsers implements Users {
  readonly #cluster: Cluster;
  readonly #bucket: KV;
  readonly #stream: string;
  readonly #consumer: StreamConsumer;
  readonly #byName = new Map<string, User>();
  readonly #changes = new EventEmitter<{ change: [] }>();
  /** The last change of the bucket that was seen. */
  #seen = 0;

  constructor(cluster: Cluster, bucket: KV) {
    this.#cluster = cluster;
    this.#bucket = bucket;
    this.#stream = `KV_${cluster.names.users}`;
    this.#changes.setMaxListeners(0);
    // What does not come any more is missed, and reported, when it is waited for.
    this.#consumer = new StreamConsumer(cluster, () => {});
  }

  /** Receives what others change; resolves when it knows what there is. */
  async start(): Promise<void> {
    const prefix = `$KV.${this.#cluster.names.users}.`;
    await this.#consumer.start({
      stream: this.#stream,
      next: () => this.#seen + 1,
      onMessage: (message) => {
        this.#seen = message.seq;
        this.#take(message.subject.slice(prefix.length), message);
        this.#changes.emit("change");
      },
    });
    await this.#catchUp();
  }

  get count(): number {
    return this.#byName.size;
  }

  find(name: string): User | undefined {
    return this.#byName.get(keyOf(name));
  }

  async list(): Promise<readonly User[]> {
    await guarded(() => this.#catchUp());
    return [...this.#byName.values()].toSorted((one, other) => one.name.localeCompare(other.name));
  }

  async add(user: User, confirm: () => Promise<unknown> = async () => {}): Promise<void> {
    assertRoomForUser(this.#byName.size);
    const key = keyOf(user.name);
    const revision = await this.#takeName(key, user);
    try {
      await confirm();
    } catch (error) {
      // Best effort: a pending user cannot be found, and gives way.
      await this.#bucket.delete(key, { previousSeq: revision }).catch(() => {});
      throw error;
    }
    await guarded(() => this.#bucket.update(key, JSON.stringify(user), revision));
    this.#byName.set(key, user);
  }

  async remove(name: string): Promise<User> {
    const key = keyOf(name);
    return guarded(async () => {
      const entry = await this.#read(key);
      const user = decode(entry);
      if (entry === null || user === undefined || user.isPending === true) throw noSuchUser(name);
      await this.#bucket.delete(key, { previousSeq: entry.revision });
      this.#byName.delete(key);
      return user;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#consumer.close();
    await this.#cluster.release();
  }

  /** Resolves when this server has seen everything that the bucket has by now. @throws HistoryError `storage-unavailable` */
  async #catchUp(): Promise<void> {
    const { state } = await attempt(untold, () => this.#cluster.manager.streams.info(this.#stream));
    const signal = AbortSignal.timeout(askMsMax);
    while (state.messages > 0 && this.#seen < state.last_seq) {
      await once(this.#changes, "change", { signal }).catch((error: unknown) => {
        throw unavailable(`the cluster ${untold} within ${askMsMax} ms`, error);
      });
    }
  }

  /** Takes the name; returns the revision of the pending user. */
  async #takeName(key: string, user: User): Promise<number> {
    const data = JSON.stringify({ ...user, isPending: true } satisfies StoredUser);
    try {
      return await this.#bucket.create(key, data);
    } catch (error) {
      const entry = await guarded(() => this.#read(key));
      if (entry === null || decode(entry) === undefined) throw failed(error);
      const isLeftBehind = decode(entry)?.isPending === true && Date.now() - entry.created.getTime() > pendingUserMs;
      if (!isLeftBehind) throw nameTaken(user.name);
      return this.#bucket.update(key, data, entry.revision).catch(() => {
        throw nameTaken(user.name);
      });
    }
  }

  #read(key: string): Promise<KvEntry | null> {
    return attempt(untold, () => this.#bucket.get(key));
  }

  #take(key: string, message: JsMsg): void {
    const user = message.headers?.has("KV-Operation") === true ? undefined : message.json<StoredUser>();
    if (user === undefined || user.isPending === true) this.#byName.delete(key);
    else this.#byName.set(key, user);
  }
}

function keyOf(name: string): string {
  return Buffer.from(foldName(name)).toString("hex");
}

/** `undefined` for a name that was given back. */
function decode(entry: KvEntry | null): StoredUser | undefined {
  return entry?.operation === "PUT" ? entry.json<StoredUser>() : undefined;
}

async function guarded<Result>(ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof UsersError ? error : failed(error);
  }
}

function failed(error: unknown): UsersError {
  const { message } = error as Error;
  const sentence = error instanceof HistoryError ? message : `the cluster did not answer about users: ${message}`;
  return new UsersError("users-failed", sentence, { cause: error });
}
