/**
 * The death or the freezing of one node, whichever it is: the leader of the lines, the leader of the cluster, the home of a
 * server's consumers. As soon as NATS has its leaders again, every writer and every follower on every server goes on,
 * whether that server writes itself or only listens, and a user who was removed is known no longer. A reader that has started
 * before gets every line that stood then, though lines are deleted while servers do not hear of it.
 */

import { connect } from "node:net";
import { importIntoJetStream, openJetStreamHistory } from "@wirebook/history-jetstream";
import type { History } from "@wirebook/history";
import { kill as signal } from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { NatsCluster } from "../../test-support/nats-cluster.ts";
import type { NatsNode } from "../../test-support/nats-node.ts";
import { startServer } from "../../test-support/programs.ts";
import { run as runProgram } from "../../test-support/run.ts";
import { isAcknowledged } from "./cluster/cluster-writers.ts";
import { hostOfConsumers, leadersAmong } from "./cluster/leaders.ts";
import { Acknowledgements, findViolations, oldLine } from "./cluster/consistency.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { ask } from "../../test-support/tcp-client.ts";
import { register, untilKnown, usersPath } from "./keys/users-fixture.ts";

const historyName = "failover";
const streams = [historyName, `KV_${historyName}-state`, `KV_${historyName}-users`];
/** Milliseconds behind NATS's own election within which every client goes on. */
const goOnMsMax = 1000;
const removedMsMax = 5000;
/** Lines that are there from the start, of which some are deleted: more than a reader is given at once. */
const oldLines = 4000;
/** Rounds for which a reader waits before it reads on: together longer than a silent server's readers are waited for. */
const readerRounds = 3;
/** Milliseconds after which a client that has not gone on is given up. */
const giveUpMs = 40_000;
const pauseMs = 40;

export const faultTest: FaultTest = {
  promise:
    "when one node dies or freezes, every writer and follower goes on within 1 s of NATS having its leaders again, and a removed user is refused within 5 s",
  unit: "deaths and freezings of a node",
  first: 10,
  full: 50,
  isInCi: false,
  needs: ["nats-server"],
  negativeControls: [{ mutant: "client-managed-consumers", count: 10 }],
  run,
};

/** A client whose progress is watched. */
class Watch {
  readonly name: string;
  #resolve: (atMs: number) => void = () => {};

  constructor(name: string) {
    this.name = name;
  }

  /** An acknowledgement or a line came. */
  note(): void {
    this.#resolve(performance.now());
  }

  /** Resolves with when something comes from now on. */
  next(): Promise<number> {
    return new Promise((resolve) => (this.#resolve = resolve));
  }
}

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  await using cluster = await NatsCluster.start({ nodes: 3, folder });
  const historyPath = cluster.address(historyName);
  await importIntoJetStream(historyPath, linesOf(oldLines));
  await using witness = await openJetStreamHistory(historyPath);
  await using talking = await startServer({ historyPath, nodeArgs });
  // No client writes through this one, so it learns only what NATS tells it.
  await using listening = await startServer({ historyPath, nodeArgs });
  const acknowledgements = new Acknowledgements();
  const violations: string[] = [];
  const delaysMs: number[] = [];
  const electionsMs: number[] = [];
  const removalsMs: number[] = [];
  const watches: Watch[] = [];
  let isOver = false;
  const writing = [1, 2].map(async (writer) => {
    const watch = new Watch(`writer ${writer}`);
    watches.push(watch);
    for (let number = 1; !isOver; number++) {
      const key = `w${writer}-${number}`;
      acknowledgements.send(key);
      if (isAcknowledged(await ask(talking.port, key))) {
        acknowledgements.acknowledge(key);
        watch.note();
      }
      await wait(pauseMs);
    }
  });
  let reader = await startReading(witness);
  const followers = [talking, listening].map(({ port }, at) => {
    const watch = new Watch(
      ["a follower on a server with writers", "a follower on a server without writers"][at] as string,
    );
    watches.push(watch);
    return follow(port, watch);
  });
  try {
    for (let done = 0; done < count; done++) {
      await leadersAmong(cluster.nodes, streams);
      const user = await register(historyPath, `otter-${done}`, "member");
      await untilKnown(listening.port, user);
      const victim = await pickVictim(cluster, done);
      const rest = cluster.nodes.filter((node) => node !== victim);
      const isFrozen = random.chance(0.5);
      const struckMs = performance.now();
      if (isFrozen) signal(victim.pid as number, "SIGSTOP");
      else await victim.kill();
      await leadersAmong(rest, streams);
      const electedMs = performance.now();
      electionsMs.push(electedMs - struckMs);
      const what = `${isFrozen ? "freezing" : "death"} ${done + 1}`;
      for (const { name, atMs } of await Promise.all(watches.map((watch) => goesOn(watch, electedMs)))) {
        delaysMs.push(atMs);
        if (atMs > goOnMsMax) violations.push(`${what}: ${name} went on ${Math.round(atMs)} ms after NATS`);
      }
      const removedMs = await timeRemoval(historyPath, user, listening.port);
      removalsMs.push(removedMs);
      if (removedMs > removedMsMax)
        violations.push(`${what}: a removed user was let in for ${Math.round(removedMs)} ms`);
      if (isFrozen) signal(victim.pid as number, "SIGCONT");
      else victim.start();
      await victim.inStep();
      await ask(talking.port, `w0 1 ${oldLines - done}`);
      if (done % readerRounds === readerRounds - 1) {
        violations.push(...(await reader()));
        reader = await startReading(witness);
      }
      progress(done + 1);
    }
    violations.push(...(await reader()));
  } finally {
    isOver = true;
    for (const socket of followers) socket.destroy();
    await Promise.all(writing);
  }
  violations.push(...(await findViolations(cluster, [talking.port, listening.port], acknowledgements)));
  return {
    tried: count,
    checked: `2 writers, 2 followers and a removed user each time; ${acknowledgements.checked}`,
    violations,
    figures: {
      "longest election of NATS, s": seconds(electionsMs),
      "longest delay behind it, s": seconds(delaysMs),
      "longest admission of a removed user, s": seconds(removalsMs),
    },
  };
}

function seconds(allMs: readonly number[]): string {
  return (Math.max(...allMs) / 1000).toFixed(2);
}

/** In turn: who leads the lines, who leads the cluster, who keeps most of the consumers of the lines, of the notes, of the users. */
async function pickVictim(cluster: NatsCluster, round: number): Promise<NatsNode> {
  const leaders = await leadersAmong(cluster.nodes, streams);
  const named = (name: string | undefined): NatsNode | undefined => cluster.nodes.find((node) => node.name === name);
  const kind = round % (streams.length + 2);
  if (kind === 0) return named(leaders.streams.get(historyName)) ?? (cluster.nodes[0] as NatsNode);
  if (kind === 1) return named(leaders.meta) ?? (cluster.nodes[0] as NatsNode);
  return hostOfConsumers(cluster, streams[kind - 2] as string);
}

/** How many milliseconds behind NATS's election a client went on; 0 when that was before. */
async function goesOn(watch: Watch, electedMs: number): Promise<{ name: string; atMs: number }> {
  const atMs = await Promise.race([watch.next(), wait(giveUpMs).then(() => performance.now())]);
  return { name: watch.name, atMs: Math.max(0, atMs - electedMs) };
}

async function* linesOf(count: number): AsyncGenerator<Uint8Array> {
  for (let line = 1; line <= count; line++) yield Buffer.from(`${oldLine}${line} ${"x".repeat(200)}\n`);
}

/** Reads the first lines of all, and no more for now; the function that it returns reads the rest and says what is missing. */
async function startReading(history: History): Promise<() => Promise<string[]>> {
  const snapshot = await history.read();
  const chunks = snapshot.chunks[Symbol.asyncIterator]();
  const first = await chunks.next();
  return async () => {
    try {
      let lines = countOf(first.value);
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) lines += countOf(next.value);
      return lines === snapshot.to ? [] : [`a reader got ${lines} lines of ${snapshot.to}`];
    } catch (error) {
      return [`a reader was cut: ${(error as Error).message}`];
    } finally {
      await snapshot[Symbol.asyncDispose]();
    }
  };
}

function countOf(chunk: Uint8Array | undefined): number {
  return chunk === undefined ? 0 : chunk.filter((byte) => byte === 0x0a).length;
}

function follow(port: number, watch: Watch) {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("follower 5\n");
  socket.on("data", () => watch.note());
  return socket;
}

/**
 * Removes a user by the tool; returns for how many milliseconds the server goes on taking the key. It refuses it later than it
 * stops taking it, since the answer to a wrong key waits.
 */
async function timeRemoval(historyPath: string, user: string, port: number): Promise<number> {
  const name = user.split("~")[0] as string;
  for (const deadlineMs = performance.now() + giveUpMs; ;) {
    const { code, stderr } = await runProgram(process.execPath, [usersPath, "remove", name, "--history", historyPath]);
    // One that was not acknowledged may have been carried out.
    if (code === 0 || stderr.includes("there is no user")) break;
    if (performance.now() > deadlineMs) throw new Error(`${name} could not be removed: ${stderr}`);
  }
  const removedMs = performance.now();
  for (;;) {
    const takenMs = performance.now() - removedMs;
    if (takenMs > giveUpMs || !(await ask(port, `${user} 6`)).includes("engine: ")) return takenMs;
    await wait(pauseMs);
  }
}
