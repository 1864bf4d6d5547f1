import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NatsCluster } from "../../../test-support/nats-cluster.ts";
import { describeOnNatsServers } from "../../../test-support/nats-tests.ts";
import type { History } from "@wirebook/history";
import { openJetStreamHistory, openJetStreamUsers } from "../src/open.ts";
import { historySuite } from "../../history/test/suite.ts";
import { usersSuite } from "../../history/test/users-suite.ts";
import { sharedSuite } from "./shared-suite.ts";

let cluster: NatsCluster;
let folder: string;
const open = (place: string): Promise<History> => openJetStreamHistory(cluster.address(place));

describeOnNatsServers("the engine jetstream", () => {
  beforeAll(async () => {
    // What is tried here is what the engine says, not whether a disk keeps it, so a folder in memory does.
    folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "wirebook-nats-"));
    cluster = await NatsCluster.start({ nodes: 3, folder });
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  historySuite("jetstream", open);
  usersSuite("jetstream", (place) => openJetStreamUsers(cluster.address(`users-${place}`)));
  sharedSuite(open, () => cluster);

  test("says within two seconds that nothing can be acknowledged, while two of three nodes are gone", async () => {
    await using history = await open("majority");
    await history.check();
    const gone = cluster.nodes.slice(1);
    await Promise.all(gone.map((node) => node.kill()));
    const unavailable = { name: "HistoryError", code: "storage-unavailable" };
    // The leader may be left, and takes itself for one until it has heard nothing of the others for a while.
    await expect
      .poll(() => history.check().catch((error: unknown) => error), { timeout: 20_000 })
      .toMatchObject(unavailable);
    for (const node of gone) node.start();
    // Not until all copies are in step: those of the streams of other tests need not be, and may never be again.
    await Promise.all(gone.map((node) => node.ready()));
    await expect.poll(() => history.check().catch((error: unknown) => error), { timeout: 60_000 }).toBe(undefined);
  });
});
