/** Who only hears what others write goes on hearing it, whatever becomes of the node or the consumer by which it came. */

import process from "node:process";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { NatsCluster } from "../../../test-support/nats-cluster.ts";
import type { NatsNode } from "../../../test-support/nats-node.ts";
import { describeOnNatsServers } from "../../../test-support/nats-tests.ts";
import type { History, Users } from "@wirebook/history";
import { decodeNatsAddress } from "../src/address.ts";
import { useCluster } from "../src/connect.ts";
import { attempt, type Cluster } from "../src/cluster.ts";
import { leaseTimeoutMs, ReadLeases } from "../src/erasure.ts";
import { JetStreamHistory } from "../src/history.ts";
import { openJetStreamHistory, openJetStreamUsers } from "../src/open.ts";
import { LineReader } from "../../history/test/reading.ts";
import { userOf } from "../../history/test/users-suite.ts";
import { openRig, untilDone } from "./cluster-fixture.ts";
import type { Rig } from "./cluster-fixture.ts";

/** Milliseconds from an acknowledgement until it is heard; whoever leaves that to the client waits for 20 s and more. */
const heardMsMax = 15_000;
/** Milliseconds between two looks at what other servers read. */
const lookMs = 1000;

describeOnNatsServers("messages of other servers", () => {
  // Each test has nodes of its own: one that was killed may take longer to come back than the others can wait for it.
  let rig: Rig;
  let nodes: NatsCluster;
  beforeEach(async () => {
    rig = await openRig();
    nodes = await rig.startThree("");
  });
  afterEach(async () => {
    await nodes[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
  });

  async function open(name: string): Promise<{ history: History; cluster: Cluster }> {
    const cluster = await useCluster(decodeNatsAddress(nodes.address(name)), {}, async (opened) => opened);
    return { cluster, history: await JetStreamHistory.open(cluster) };
  }

  const ways: [string, (cluster: Cluster, stream: string) => unknown][] = [
    ["the node dies that is connected", (cluster) => nodeOf(nodes, cluster).kill()],
    ["the node freezes that is connected", (cluster) => freeze(nodeOf(nodes, cluster))],
    ["the node dies with the consumer", async (_, name) => (await consumerNodeOf(nodes, name)).kill()],
    ["the node freezes with the consumer", async (_, name) => freeze(await consumerNodeOf(nodes, name))],
    ["another node is connected to on purpose", (cluster) => cluster.failover()],
    ["the consumer is deleted", (_, name) => deleteConsumers(nodes, name)],
  ];

  test.each(ways)("a server that writes nothing goes on following when %s", async (_what, befall) => {
    const name = `lines-${crypto.randomUUID()}`;
    const { history, cluster } = await open(name);
    await using silent = history;
    await using feed = await silent.follow();
    const reader = new LineReader(feed);
    await befall(cluster, name);
    await using writer = await untilDone(() => openJetStreamHistory(nodes.address(name)));
    const asked = { address: "127.0.0.1", message: "late", isCut: false };
    const { time } = await untilDone(() => writer.append(asked));
    const acknowledgedMs = performance.now();
    await reader.takeUntil(time);
    expect(performance.now() - acknowledgedMs).toBeLessThan(heardMsMax);
  });

  test("the client dials the nodes in the order in which they are given", async () => {
    const { history, cluster } = await open("ordered");
    await using _ = history;
    const given = nodes.nodes.map(({ host, ports }) => `${host}:${ports.client}`);
    for (let round = 0; round < 20; round++) {
      given.push(given.shift() as string);
      cluster.connection.setServers(given);
      expect(cluster.connection.getServers().map(({ listen }) => listen)).toEqual(given);
    }
  });

  test.each<[string, (node: NatsNode) => unknown]>([
    ["dies", (node) => node.kill()],
    ["freezes", freeze],
  ])("a removed user is known nowhere, and a new one everywhere, when a node %s", async (_what, befall) => {
    const name = `users-${crypto.randomUUID()}`;
    await using silent = await openJetStreamUsers(nodes.address(name));
    await silent.add(userOf("goner"));
    await befall(nodes.nodes[1] as NatsNode);
    await using other = await untilDone<Users>(() => openJetStreamUsers(nodes.address(name)));
    await untilDone(() => other.remove("goner").catch(unlessGone));
    await untilDone(() => other.add(userOf("new")));
    const heard = (): unknown[] => [silent.find("goner"), silent.find("new")?.name];
    await expect.poll(heard, { timeout: heardMsMax }).toEqual([undefined, "new"]);
  });

  test("what a server reads is known to the others, whenever it changes", async () => {
    const { history, cluster } = await open("told");
    await using _ = history;
    const [one, other] = [new ReadLeases(cluster), new ReadLeases(cluster)];
    for (const moment of [3, 4]) {
      const reader = { moment };
      const forget = one.add(reader);
      await expect.poll(() => other.earliest()).toBe(moment);
      forget();
      await expect.poll(() => other.earliest()).toBe(Infinity);
    }
    await Promise.all([one.close(), other.close()]);
  });

  test("nothing is erased that a reader of a server that could not tell may need", async () => {
    const { history, cluster } = await open("leases");
    await using _ = history;
    let aheadMs = 0;
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + aheadMs);
    const leases = new ReadLeases(cluster);
    // On a busy machine a stream may be without a leader for a moment.
    const earliest = (): Promise<number> => attempt("did not tell the leases", () => leases.earliest());
    try {
      expect(await earliest()).toBe(Infinity);
      await attempt("did not take a lease", () => cluster.state.put("reader.other", "5"));
      expect(await earliest()).toBe(5);
      leases.add({ moment: 3 });
      expect(await earliest()).toBe(3);
      leases.add({ moment: 9 });
      // While this server does not look, as without a majority, the silence of others does not count, however long it is.
      aheadMs += 4 * leaseTimeoutMs;
      expect(await earliest()).toBe(3);
      for (let waitedMs = 0; waitedMs <= leaseTimeoutMs; waitedMs += lookMs) {
        expect(await earliest()).toBe(3);
        aheadMs += lookMs;
      }
      await leases.close();
      expect(await earliest()).toBe(Infinity);
      await cluster.connection.close();
      await expect(leases.earliest()).rejects.toThrow();
    } finally {
      clock.mockRestore();
      await leases.close();
    }
  });
});

function freeze({ pid }: NatsNode): void {
  process.kill(pid as number, "SIGSTOP");
}

/** What was not answered may have been done. */
function unlessGone(error: { readonly code: string }): undefined {
  if (error.code !== "no-such-user") throw error;
}

function nodeOf({ nodes }: NatsCluster, { connection }: Cluster): NatsNode {
  return nodes.find(({ ports }) => connection.getServer().endsWith(`:${ports.client}`)) as NatsNode;
}

/** The only node on which a consumer of a stream lives, which may have to be awaited. */
async function consumerNodeOf({ nodes }: NatsCluster, stream: string): Promise<NatsNode> {
  for (let at = 0; ; at++) {
    const node = nodes[at % nodes.length] as NatsNode;
    const answer = await fetch(`${node.monitorUrl}/jsz?streams=true&consumers=true`);
    const { account_details: accounts = [] } = (await answer.json()) as Jsz;
    const detail = accounts.flatMap(({ stream_detail: streams }) => streams).find(({ name }) => name === stream);
    if ((detail?.consumer_detail ?? []).length > 0) return node;
  }
}

interface Jsz {
  readonly account_details?: readonly {
    readonly stream_detail: readonly { readonly name: string; readonly consumer_detail?: readonly object[] }[];
  }[];
}

async function deleteConsumers({ nodes }: NatsCluster, stream: string): Promise<void> {
  const [first] = nodes;
  await using connection = await connect({ servers: `${first?.host}:${first?.ports.client}` });
  await attempt("did not delete the consumers", async () => {
    const { consumers } = await jetstreamManager(connection);
    for await (const { name } of consumers.list(stream)) await consumers.delete(stream, name);
  });
}
