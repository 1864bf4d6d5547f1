/**
 * One nats-server as a child process. It keeps its ports and its folder over restarts, so that one that was killed comes back
 * as itself.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "./free-port.ts";

/** Milliseconds for a node to be ready, its part of the cluster's state read. */
const readyMsMax = 30_000;
/**
 * Milliseconds until its copies are in step, too. A node that was frozen may drop a consumer and fail to tell the leader of the
 * cluster; nats-server 2.10 repeats that after 30 s and more, and until then its health is "consumer not found".
 */
const inStepMsMax = 120_000;
const pollMs = 50;

/** Where a node listens. */
export interface Ports {
  readonly client: number;
  readonly cluster: number;
  readonly monitor: number;
}

/** One nats-server. */
export class NatsNode {
  readonly name: string;
  readonly host: string;
  readonly ports: Ports;
  readonly folder: string;
  readonly #program: string;
  /** In its cluster, itself included. */
  readonly #nodes: number;
  readonly #under: readonly string[];
  #child: ChildProcess | undefined;

  constructor(
    program: string,
    place: Pick<NatsNode, "name" | "host" | "ports" | "folder">,
    nodes: number,
    under: readonly string[],
  ) {
    this.#program = program;
    this.#nodes = nodes;
    this.name = place.name;
    this.host = place.host;
    this.ports = place.ports;
    this.folder = place.folder;
    this.#under = under;
  }

  /** Where it tells of itself. */
  get monitorUrl(): string {
    return `http://${this.host}:${this.ports.monitor}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it; `ready` tells when it can be used. */
  start(): void {
    const [command, ...words] = [...this.#under, this.#program, "-c", join(this.folder, "nats.conf")];
    this.#child = spawn(command, words, { stdio: "ignore" });
  }

  /**
   * Resolves when its JetStream takes part in the cluster. Its copies of streams may be behind still: with dozens of them on a
   * busy machine that takes longer than whoever cares for one can say.
   */
  ready(withinMs = readyMsMax): Promise<void> {
    return this.#until("js-server-only=true", withinMs);
  }

  /** Resolves when, besides, each of its copies is in step with the others. */
  inStep(withinMs = inStepMsMax): Promise<void> {
    return this.#until("", withinMs);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  async #until(asked: string, withinMs: number): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const problem = await this.#problem(asked);
      if (problem === undefined) return;
      if ((this.#child?.exitCode ?? null) !== null)
        throw new Error(`${this.name} ended with ${this.#child?.exitCode}; perhaps one of its ports is taken`);
      if (performance.now() > deadlineMs)
        throw new Error(`${this.name} was not ready within ${withinMs} ms: ${problem}`);
      await wait(pollMs);
    }
  }

  /** What keeps it from being as well as was asked, and in a cluster that has a leader and as many nodes as it should. */
  async #problem(asked: string): Promise<string | undefined> {
    try {
      const health = await fetch(`${this.monitorUrl}/healthz?${asked}`);
      if (!health.ok) return await health.text();
      if (this.#nodes === 1) return undefined;
      const { meta_cluster: meta } = (await (await fetch(`${this.monitorUrl}/jsz`)).json()) as Jsz;
      const isWhole = meta?.leader !== undefined && meta.leader !== "" && meta.cluster_size === this.#nodes;
      return isWhole ? undefined : `it knows the cluster ${JSON.stringify(meta)}`;
    } catch (error) {
      return (error as Error).message;
    }
  }
}

interface Jsz {
  readonly meta_cluster?: { readonly leader?: string; readonly cluster_size?: number };
}

/** Ports for a node. */
export async function findPorts(): Promise<Ports> {
  return { client: await freePort(), cluster: await freePort(), monitor: await freePort() };
}
