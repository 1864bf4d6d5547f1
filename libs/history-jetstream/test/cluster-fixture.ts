/** What the tests share that ask who is let into a cluster. */

import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { NatsCluster } from "../../../test-support/nats-cluster.ts";
import type { HistoryError } from "@wirebook/history";
import type { NatsCredentials } from "../src/open.ts";
import { openJetStreamHistory, openJetStreamUsers } from "../src/open.ts";
import { linesOf } from "../../history/test/reading.ts";

/** A folder with secrets and nodes, which goes with its owner. */
export interface Rig extends AsyncDisposable {
  readonly folder: string;
  /** Writes a file into the folder; gives its path. */
  put(name: string, text: string): Promise<string>;
  /** Starts a node with more of a configuration. */
  startNode(more: string): Promise<NatsCluster>;
  /** Starts three nodes that know each other. */
  startThree(more: string): Promise<NatsCluster>;
}

export async function openRig(): Promise<Rig> {
  // Whether a disk keeps it is not what is tried, so a folder in memory does.
  const folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "wirebook-nats-"));
  const start = (nodes: 1 | 3, more: string): Promise<NatsCluster> =>
    NatsCluster.start({ nodes, folder: join(folder, crypto.randomUUID()), more });
  return {
    folder,
    put: async (name, text) => {
      const path = join(folder, name);
      await writeFile(path, text);
      return path;
    },
    startNode: (more) => start(1, more),
    startThree: (more) => start(3, more),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Proves that a server that says who it is so is let in: it writes a line and reads it. */
export async function expectIn(address: string, credentials: NatsCredentials = {}): Promise<void> {
  await using history = await openJetStreamHistory(address, credentials);
  await history.append({ address: "127.0.0.1", message: "brick 2", isCut: false });
  expect((await linesOf(history)).at(-1)).toMatch(/"brick 2"$/);
  await using users = await openJetStreamUsers(address, credentials);
  expect(users.count).toBe(0);
}

/** What a server is told that is not let in. */
export async function refusal(
  address: string,
  credentials: NatsCredentials = {},
  code: HistoryError["code"] = "storage-failed",
): Promise<string> {
  const error = await openJetStreamHistory(address, credentials).then(
    async (history) => {
      await history[Symbol.asyncDispose]();
      throw new Error("the node took it");
    },
    (reason: HistoryError) => reason,
  );
  expect(error).toMatchObject({ name: "HistoryError", code });
  return error.message;
}

/** The address with a user, or with whatever else stands before the host. */
export const as = (user: string, address: string): string => address.replace("://", `://${user}@`);

/** Tries again what a cluster without a leader refuses. */
export async function untilDone<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!["storage-unavailable", "users-failed"].includes((error as HistoryError).code)) throw error;
    }
  }
}
