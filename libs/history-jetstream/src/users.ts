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

import { setInterval } from "node:timers/promises";
import { Kvm, type KV } from "@nats-io/kv";
import { assertRoomForUser, HistoryError, nameTaken, noSuchUser, UsersError } from "@wirebook/history";
import type { User, Users } from "@wirebook/history";
import { foldName } from "@wirebook/protocol";
import type { NatsAddress } from "./address.ts";
import { attempt, type Cluster } from "./cluster.ts";
import { useCluster } from "./connect.ts";
import type { NatsCredentials } from "./credentials.ts";
import { scan } from "./scan.ts";

/** Milliseconds after which a name that was taken and never confirmed may be taken by another. */
export const pendingUserMs = 30_000;

/** Milliseconds between two looks at what other servers have changed. */
const lookMs = 400;

/** The end of a sentence that begins with the cluster. A question may go to a frozen node, so it is repeated. */
const untold = "did not tell of its users";

type StoredUser = User & { readonly isPending?: boolean };

export function openUsers(address: NatsAddress, credentials: NatsCredentials): Promise<Users> {
  return useCluster(address, credentials, async (cluster) => {
    const { js, names, replicas } = cluster;
    const bucket = await attempt(untold, () => new Kvm(js).create(names.users, { replicas, history: 1 }));
    const users = new KvUsers(cluster, bucket);
    await users.refresh();
    users.keepFresh().catch(() => {}); // It was closed.
    return users;
  });
}

class KvUsers implements Users {
  readonly #cluster: Cluster;
  readonly #bucket: KV;
  readonly #byName = new Map<string, User>();
  readonly #closing = new AbortController();
  #seen = 0;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster, bucket: KV) {
    this.#cluster = cluster;
    this.#bucket = bucket;
  }

  get count(): number {
    return this.#byName.size;
  }

  find(name: string): User | undefined {
    return this.#byName.get(keyOf(name));
  }

  async list(): Promise<readonly User[]> {
    await guarded(() => this.refresh());
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
    await this.refresh().catch(() => {}); // It is added; the next look finds it.
  }

  remove(name: string): Promise<User> {
    const key = keyOf(name);
    return guarded(async () => {
      const { user, revision } = await this.#read(key);
      if (user === undefined || user.isPending === true) throw noSuchUser(name);
      await this.#bucket.delete(key, { previousSeq: revision });
      this.#byName.delete(key);
      return user;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#cluster.release();
  }

  /** Takes up what others change, until it is closed. */
  async keepFresh(): Promise<void> {
    for await (const _ of setInterval(lookMs, undefined, { signal: this.#closing.signal, ref: false })) {
      await this.refresh().catch(() => {}); // The next look may succeed.
    }
  }

  /** Resolves when this server has seen everything that the bucket has by now. */
  refresh(): Promise<void> {
    const refreshing = this.#refreshing.then(async () => {
      const { manager, names } = this.#cluster;
      const stream = `KV_${names.users}`;
      const prefix = `$KV.${names.users}.`;
      const { state } = await attempt(untold, () => manager.streams.info(stream));
      for await (const batch of scan(this.#cluster, { stream, from: this.#seen + 1, to: state.last_seq })) {
        for (const { subject, headers, data } of batch) {
          const key = subject.slice(prefix.length);
          const isGone = headers?.has("KV-Operation") === true;
          const user = isGone ? undefined : (JSON.parse(Buffer.from(data).toString()) as StoredUser);
          if (user === undefined || user.isPending === true) this.#byName.delete(key);
          else this.#byName.set(key, user);
        }
      }
      this.#seen = state.last_seq;
    });
    this.#refreshing = refreshing.catch(() => {}); // Its caller gets the error.
    return refreshing;
  }

  async #takeName(key: string, user: User): Promise<number> {
    const data = JSON.stringify({ ...user, isPending: true } satisfies StoredUser);
    try {
      return await this.#bucket.create(key, data);
    } catch (error) {
      const { user: found, createdMs, revision } = await guarded(() => this.#read(key));
      if (found === undefined) throw failed(error);
      const isLeftBehind = found.isPending === true && Date.now() - createdMs > pendingUserMs;
      if (!isLeftBehind) throw nameTaken(user.name);
      return this.#bucket.update(key, data, revision).catch(() => {
        throw nameTaken(user.name);
      });
    }
  }

  async #read(key: string): Promise<{ user: StoredUser | undefined; createdMs: number; revision: number }> {
    const entry = await attempt(untold, () => this.#bucket.get(key));
    if (entry?.operation !== "PUT") return { user: undefined, createdMs: 0, revision: 0 };
    return { user: entry.json<StoredUser>(), createdMs: entry.created.getTime(), revision: entry.revision };
  }
}

function keyOf(name: string): string {
  return Buffer.from(foldName(name)).toString("hex");
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
