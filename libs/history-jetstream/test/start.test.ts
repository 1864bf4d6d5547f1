/** With which node a server begins, and what it says when it can begin with none. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NatsCluster } from "../../../test-support/nats-cluster.ts";
import type { NatsNode } from "../../../test-support/nats-node.ts";
import { describeOnNatsServers } from "../../../test-support/nats-tests.ts";
import { connectAny, NodeRefusal } from "../src/connect.ts";
import { openJetStreamHistory, openJetStreamUsers } from "../src/open.ts";
import { linesOf } from "../../history/test/reading.ts";
import { as, openRig, refusal, untilDone } from "./cluster-fixture.ts";
import type { Rig } from "./cluster-fixture.ts";

const named = { servers: ["a", "b", "c"], shown: "nats://a,b,c/log" };

describe("a server that starts", () => {
  test("begins with any of its nodes, and asks each once before it gives up those that it does not reach", async () => {
    const first = new Set<string>();
    while (first.size < 3) {
      const asked: string[] = [];
      const used = connectAny(named, (node) => {
        asked.push(node);
        throw new NodeRefusal("is away", { isReached: false, cause: undefined });
      });
      await expect(used).rejects.toMatchObject({ code: "storage-failed", message: "nats://a,b,c/log is away" });
      expect(asked.toSorted()).toEqual(["a", "b", "c"]);
      first.add(asked[0] as string);
    }
  });

  test("goes on to ask those that are not ready, and gives up when its time is over", async () => {
    let asked = 0;
    const ready = await connectAny(named, (node) => {
      if (++asked > 7) return Promise.resolve(node);
      throw new NodeRefusal("is not ready", { isReached: true, cause: undefined });
    });
    expect(named.servers).toContain(ready);
    const startedMs = performance.now();
    const used = connectAny(
      named,
      async (node) => {
        await pause(20); // The time that a node takes to refuse: without it the loop would hold the processor.
        throw new NodeRefusal(`is ${node}`, { isReached: node === "b", cause: undefined });
      },
      100,
    );
    await expect(used).rejects.toMatchObject({
      code: "storage-unavailable",
      message: expect.stringMatching(/^no node of nats:\/\/a,b,c\/log can be used: (?:[abc] is [abc](?:; |$)){3}$/),
    });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(99);
  });

  test("tries no further node when the reason is not the node's", async () => {
    let asked = 0;
    const used = connectAny(named, () => {
      asked += 1;
      throw new Error("the name is taken");
    });
    await expect(used).rejects.toThrow("the name is taken");
    expect(asked).toBe(1);
  });
});

/** Cuts a node off from the others, whose cluster has another name from now on; it answers, and has no leader. */
async function cutOff(node: NatsNode): Promise<void> {
  await node.kill();
  const path = join(node.folder, "nats.conf");
  await writeFile(path, (await readFile(path, "utf8")).replace("cluster { name: wirebook", "cluster { name: lonely"));
  node.start();
  await untilWithoutLeader(node);
}

/** Waits until a node answers, and knows that it has no majority. */
async function untilWithoutLeader({ monitorUrl }: NatsNode): Promise<void> {
  const ask = (): Promise<string> =>
    fetch(`${monitorUrl}/healthz?js-server-only=true`).then(
      (answer) => answer.text(),
      (error: Error) => error.message,
    );
  await expect.poll(ask).toMatch(/not established contact with a meta leader|no meta leader/i);
}

/** How many clients a node has had. */
async function clientsOf({ monitorUrl }: NatsNode): Promise<number> {
  const { total_connections: count } = (await (await fetch(`${monitorUrl}/varz`)).json()) as {
    total_connections: number;
  };
  return count;
}

describeOnNatsServers("a server that starts on real nodes", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  test("leaves one that is not ready for one that is", async () => {
    await using cluster = await NatsCluster.start({ nodes: 3, folder: join(rig.folder, "three") });
    const [one, two, lonely] = cluster.nodes as [NatsNode, NatsNode, NatsNode];
    const append = async (message: string): Promise<string> => {
      await using history = await openJetStreamHistory(cluster.address("log"));
      await history.append({ address: "127.0.0.1", message, isCut: false });
      await using users = await openJetStreamUsers(cluster.address("log"));
      expect(users.count).toBe(0);
      return (await linesOf(history)).join("\n");
    };
    await append("before");
    await cutOff(lonely);
    // Which node is the first is chance.
    for (let at = 0; (await clientsOf(lonely)) === 0; at++) {
      // The other two may still be electing their leaders.
      expect(await untilDone(() => append(`at ${at}`))).toContain(`"at ${at}"`);
    }
    await two.kill();
    await untilWithoutLeader(one);
    const sentence = await refusal(cluster.address("log"), {}, "storage-unavailable");
    expect(sentence).toMatch(/^no node of nats:.*\/log can be used: /);
    const reasons = sentence.slice(sentence.indexOf(" used: ") + 7).split("; ");
    const reasonOf = ({ host, ports }: NatsNode): string =>
      reasons.find((reason) => reason.startsWith(`${host}:${ports.client} `)) ?? "";
    expect(reasonOf(two)).toMatch(/ cannot be reached: /);
    for (const node of [one, lonely]) expect(reasonOf(node)).toMatch(/ cannot be used yet: /);
  });

  test("is told of each node why it cannot be used", async () => {
    await using guarded = await rig.startNode("authorization { users: [{ user: wirebook, password: s3cret }] }");
    await using open = await rig.startNode("");
    await open.nodes[0]?.kill();
    const hosts = [guarded, open].map(({ nodes }) => `127.0.0.1:${nodes[0]?.ports.client}`);
    const sentence = await refusal(as("wirebook:wr0ng", `nats://${hosts.join(",")}/log`));
    expect(sentence).toMatch(/^no node of nats:\/\/[\d.:,]+\/log can be used: /);
    expect(sentence).toContain(`${hosts[0]} refuses this server: the user is not known there`);
    expect(sentence).toContain(`${hosts[1]} cannot be reached: connection refused`);
    expect(sentence).not.toContain("wr0ng");
  });
});
