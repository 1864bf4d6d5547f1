/** What holds when several servers have one history open: they agree, and none of them is needed. */

import process from "node:process";
import { jetstreamManager } from "@nats-io/jetstream";
import type { ClusterInfo, StreamInfo } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import type { NatsCluster } from "../../../test-support/nats-cluster.ts";
import type { NatsNode } from "../../../test-support/nats-node.ts";
import type { Actor, History, HistoryError, AppendResult } from "@wirebook/history";
import { applyLine, LineReader, linesOf } from "../../history/test/reading.ts";
import type { OpenHistory } from "../../history/test/suite.ts";
import { attempt } from "../src/cluster.ts";

/** Milliseconds for a node that was killed to catch up with one stream. */
const inStepMsMax = 30_000;
const actor: Actor = { user: "brick", address: "127.0.0.1" };
const append = (history: History, message: string): Promise<AppendResult> =>
  history.append({ address: "127.0.0.1", message, isCut: false });

/** Resolves when a server has seen a line that another one wrote. */
async function waitFor(history: History, time: string): Promise<string[]> {
  await using feed = await history.follow(1);
  await new LineReader(feed).takeUntil(time);
  return linesOf(history);
}

/** Declares the tests; `cluster` has three nodes. */
export function sharedSuite(open: OpenHistory, cluster: () => NatsCluster): void {
  describe("several servers on one history", () => {
    test("agree on every line, its number and its time", async () => {
      await using first = await open("agree");
      await using second = await open("agree");
      const written = await Promise.all(
        Array.from({ length: 300 }, (_, at) => append(at % 2 === 0 ? first : second, `m${at}`)),
      );
      const last = written.reduce((one, other) => (one.position > other.position ? one : other));
      const [lines, others] = [await waitFor(first, last.time), await waitFor(second, last.time)];
      expect(others).toEqual(lines);
      expect(new Set(written.map(({ position }) => position)).size).toBe(300);
      for (const { position, time } of written) expect(lines[position - 1]?.startsWith(time)).toBe(true);
      const times = lines.map((line) => line.split(" ")[0] as string);
      expect(times).toEqual([...new Set(times)].toSorted());
    });

    test("let exactly one of many deletes win that name the same line", async () => {
      await using first = await open("race");
      await using second = await open("race");
      const { time } = await append(first, "the one");
      const end = await append(first, "another");
      await waitFor(second, end.time);
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? first : second).deleteLine(actor, 1, time)),
      );
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const codes = results.flatMap((each) =>
        each.status === "rejected" ? [(each.reason as { code: string }).code] : [],
      );
      expect(new Set(codes)).toEqual(new Set(["line-changed"]));
    });

    test("keep exact copies for followers of each, whoever writes and deletes", async () => {
      await using first = await open("copies");
      await using second = await open("copies");
      await using feeds = new AsyncDisposableStack();
      const readers = [];
      for (const history of [first, second]) readers.push(new LineReader(feeds.use(await history.follow())));
      const steps = Array.from({ length: 120 }, async (_, at) => {
        const history = at % 2 === 0 ? first : second;
        if (at % 7 === 3) await history.deleteLine(actor, 1 + (at % 5)).catch(() => {});
        else if (at % 40 === 39) await history.deleteAll(actor);
        else await append(history, `m${at}`);
      });
      await Promise.all(steps);
      const { time } = await append(first, "the end");
      const copies = await Promise.all(
        readers.map(async (reader) => {
          const copy: string[] = [];
          while (copy.at(-1)?.startsWith(time) !== true) applyLine(copy, (await reader.take(1))[0] as string);
          return copy;
        }),
      );
      expect(copies[1]).toEqual(copies[0]);
      expect(await linesOf(first)).toEqual(copies[0]);
      expect(await waitFor(second, time)).toEqual(copies[0]);
    });

    test("erase no line behind a delete of all that is the first of the stream", async () => {
      await using history = await open("first");
      await history.deleteAll(actor);
      await append(history, "a");
      const { time } = await history.deleteAll(actor);
      await append(history, "b");
      // Deletes are erased in their order, so the first of them is over as well.
      await expect.poll(() => firstSequenceOf(cluster(), "first"), { timeout: 30_000 }).toBeGreaterThan(1);
      expect(await firstSequenceOf(cluster(), "first")).toBe(3);
      const lines = await linesOf(history);
      expect([lines.length, lines[0]?.startsWith(time)]).toEqual([2, true]);
    });

    // The stream may lose its leader and elect another one, twice.
    test("lose nothing, and write nothing twice, while a node is killed and comes back", async () => {
      await using first = await open("kill");
      await using second = await open("kill");
      const acknowledged: AppendResult[] = [];
      let isStopped = false;
      const writers = [first, second].map(async (history, writer) => {
        for (let at = 0; !isStopped; at++) acknowledged.push(await append(history, `w${writer} ${at}`));
      });
      const writing = Promise.all(writers);
      // When a step below fails, the histories close under the writers; what is told then is the step.
      writing.catch(() => {});
      const untilMore = async (more: number): Promise<void> => {
        const least = acknowledged.length + more;
        while (acknowledged.length < least) await append(first, "between");
      };
      await untilMore(50);
      const node = cluster().nodes[2];
      await node?.kill();
      await untilMore(50);
      node?.start();
      await node?.ready();
      await untilMore(50);
      await untilInStep(cluster(), "kill");
      isStopped = true;
      await writing;
      const end = await append(first, "the end");
      const lines = await waitFor(second, end.time);
      expect(await linesOf(first)).toEqual(lines);
      const heads = lines.map((line) => line.split(" ")[0]);
      expect(new Set(heads).size).toBe(heads.length);
      for (const { time, position } of acknowledged) expect(heads[position - 1]).toBe(time);
      const messages = lines.map((line) => line.split(" ").slice(2).join(" ")).filter((text) => text.startsWith('"w'));
      expect(new Set(messages).size).toBe(messages.length);
    });

    test("leave a node that answers nothing and keeps its connection", async () => {
      await using history = await openBeside("stuck", open, cluster());
      await append(history, "before");
      const node = await nodeOf(cluster());
      // Its kernel still takes what is sent, as that of a node which is cut off from the others.
      process.kill(node.pid as number, "SIGSTOP");
      try {
        await append(history, "meanwhile");
      } finally {
        process.kill(node.pid as number, "SIGCONT");
      }
      await node.ready();
      expect((await linesOf(history)).map((line) => line.split(" ").at(-1))).toEqual(['"before"', '"meanwhile"']);
    });

    test("take a line that is on its way for one that is not stored yet", async () => {
      await using history = await open("on-its-way");
      const leader = await leaderOf(cluster(), "on-its-way");
      const connection = await connect({ servers: `${leader.host}:${leader.ports.client}` });
      const sendings = connection.subscribe("on-its-way.line");
      const others = cluster().nodes.filter((node) => node !== leader);
      await Promise.all(others.map((node) => node.kill()));
      const appending = append(history, "late").catch(({ message }: HistoryError) => message);
      // Without a majority it stays unstored, and each further sending meets the first one.
      let heard = 0;
      for await (const _ of sendings) if (++heard === 3) break;
      for (const node of others) node.start();
      await Promise.all(others.map((node) => node.ready()));
      const written = await appending;
      const end = await append(history, "the end");
      const lines = await waitFor(history, end.time);
      const late = lines.filter((line) => line.includes('"late"'));
      // On a slow machine the majority comes back too late, which is told as what it is.
      if (typeof written === "string") expect(written).toMatch(/did not acknowledge the line/);
      else expect(late).toEqual([expect.stringContaining(written.time)]);
      expect(late.length).toBeLessThanOrEqual(1);
      await connection.close();
    });
  });
}

/** Opens a history by a node that does not lead its stream, since an election could take longer than is waited. */
async function openBeside(name: string, open: OpenHistory, cluster: NatsCluster): Promise<History> {
  for (;;) {
    const history = await open(name);
    if ((await nodeOf(cluster)) !== (await leaderOf(cluster, name))) return history;
    await history[Symbol.asyncDispose]();
  }
}

/** The node to which the only history that is open is connected. */
async function nodeOf({ nodes }: NatsCluster): Promise<NatsNode> {
  const counts = await Promise.all(
    nodes.map(async ({ monitorUrl }) => {
      const { connections } = (await (await fetch(`${monitorUrl}/connz`)).json()) as Connz;
      return connections.filter(({ name }) => name === "wirebook").length;
    }),
  );
  expect(counts.filter((count) => count === 1)).toHaveLength(1);
  return nodes[counts.indexOf(1)] as NatsNode;
}

interface Connz {
  readonly connections: readonly { readonly name?: string }[];
}

async function leaderOf(cluster: NatsCluster, stream: string): Promise<NatsNode> {
  const { leader } = await placementOf(cluster, stream);
  return cluster.nodes.find(({ name }) => name === leader) as NatsNode;
}

/** Waits until all copies of a stream are in step. */
async function untilInStep(cluster: NatsCluster, stream: string): Promise<void> {
  const behind = async (): Promise<readonly string[]> => {
    const { leader, replicas = [] } = await placementOf(cluster, stream);
    if (leader === "") return ["no leader"];
    return replicas.filter(({ current, offline }) => !current || (offline ?? false)).map(({ name }) => name);
  };
  await expect.poll(behind, { timeout: inStepMsMax, interval: 100 }).toEqual([]);
}

/** Who leads a stream, and who has copies. */
async function placementOf(cluster: NatsCluster, stream: string): Promise<ClusterInfo> {
  return (await describeStream(cluster, stream)).cluster as ClusterInfo;
}

async function describeStream({ nodes }: NatsCluster, stream: string): Promise<StreamInfo> {
  const [first] = nodes;
  await using connection = await connect({ servers: `${first?.host}:${first?.ports.client}` });
  return await attempt("did not describe the stream", async () => {
    const { streams } = await jetstreamManager(connection);
    return await streams.info(stream);
  });
}

async function firstSequenceOf(cluster: NatsCluster, stream: string): Promise<number> {
  return (await describeStream(cluster, stream)).state.first_seq;
}
