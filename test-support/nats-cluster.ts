/**
 * Real nats-servers as child processes: one, or a cluster of three, with JetStream in temporary folders.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findNatsServer, natsServerMissing } from "../scripts/nats-server.mjs";
import { findPorts, NatsNode } from "./nats-node.ts";

/** Milliseconds for empty nodes to become a cluster, on a busy machine too; what takes longer has gone wrong for good. */
const foundMsMax = 12_000;
const foundAttemptsMax = 4;

/** How a cluster is started. */
export interface NatsOptions {
  /** 1 or 3. */
  readonly nodes: 1 | 3;
  /** When data reach the disk: before each acknowledgement, or every so often. */
  readonly syncInterval?: string;
  /** The program; the one that `findNatsServer` finds unless it is said. */
  readonly program?: string;
  /** Where the folders of the nodes are made; temporary unless it is said. */
  readonly folder?: string;
  /** The address of each node; 127.0.0.1 unless it is said. */
  readonly hosts?: readonly string[];
  /** A program with its arguments that runs a node, by its index. */
  readonly under?: (node: number) => readonly string[];
  /** More of each node's configuration. */
  readonly more?: string;
}

/** Nodes that know each other. */
export class NatsCluster implements AsyncDisposable {
  readonly nodes: readonly NatsNode[];
  readonly #remove: () => Promise<void>;

  /** Starts the nodes; resolves when all are ready. */
  static async start(options: NatsOptions): Promise<NatsCluster> {
    const cluster = await NatsCluster.#create(options);
    try {
      await cluster.#found();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #create(options: NatsOptions): Promise<NatsCluster> {
    const { nodes, syncInterval = "always", program, folder, hosts = [], under, more = "" } = options;
    const found = program ?? findNatsServer();
    if (found === undefined) throw new Error(natsServerMissing);
    const place = folder ?? (await mkdtemp(join(tmpdir(), "wirebook-nats-")));
    const ports = await Promise.all(Array.from({ length: nodes }, findPorts));
    const all = ports.map((each, at) => {
      const name = `node-${at + 1}`;
      const where = { name, host: hosts[at] ?? "127.0.0.1", ports: each, folder: join(place, name) };
      return new NatsNode(found, where, nodes, under?.(at) ?? []);
    });
    const routes = all.map((node) => `nats://${node.host}:${node.ports.cluster}`);
    for (const node of all) {
      await mkdir(node.folder, { recursive: true });
      await writeFile(
        join(node.folder, "nats.conf"),
        `${configure(node, nodes === 1 ? [] : routes, syncInterval)}${more}\n`,
      );
    }
    return new NatsCluster(all, () =>
      folder === undefined ? rm(place, { recursive: true, force: true }) : Promise.resolve(),
    );
  }

  private constructor(nodes: readonly NatsNode[], remove: () => Promise<void>) {
    this.nodes = nodes;
    this.#remove = remove;
  }

  /** The address of a history on it. */
  address(name: string): string {
    return `nats://${this.nodes.map(({ host, ports }) => `${host}:${ports.client}`).join(",")}/${name}`;
  }

  /** Stops all nodes and starts them again, from when on data reach the disk as is said; resolves when all are ready. */
  async restart(syncInterval: string): Promise<void> {
    await this.#killAll("SIGTERM");
    for (const { folder } of this.nodes) {
      const path = join(folder, "nats.conf");
      await writeFile(
        path,
        (await readFile(path, "utf8")).replace(/sync_interval: [^ }]+/, `sync_interval: ${syncInterval}`),
      );
    }
    for (const node of this.nodes) node.start();
    await Promise.all(this.nodes.map((node) => node.ready()));
  }

  /**
   * Starts empty nodes. The first leader of nats-server 2.10 counts the nodes that it has heard of, and if that is one too
   * few ("Decreasing our clustersize: 3 -> 2"), the third is never taken in: then they must begin again with nothing.
   */
  async #found(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      for (const node of this.nodes) node.start();
      const results = await Promise.allSettled(this.nodes.map((node) => node.ready(foundMsMax)));
      const problems = results.flatMap((result) => (result.status === "rejected" ? String(result.reason) : []));
      if (problems.length === 0) return;
      if (attempt === foundAttemptsMax) throw new Error(problems.join("; "));
      await this.#killAll();
      await Promise.all(this.nodes.map(({ folder }) => rm(join(folder, "data"), { recursive: true, force: true })));
    }
  }

  async #killAll(signal?: NodeJS.Signals): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill(signal)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#killAll();
    await this.#remove();
  }
}

function configure({ name, host, ports, folder }: NatsNode, routes: readonly string[], syncInterval: string): string {
  const cluster = `cluster { name: wirebook, listen: "${host}:${ports.cluster}", routes: ${JSON.stringify(routes)} }`;
  return [
    `server_name: ${name}`,
    `listen: "${host}:${ports.client}"`,
    `http: "${host}:${ports.monitor}"`,
    `jetstream { store_dir: ${JSON.stringify(join(folder, "data"))}, sync_interval: ${syncInterval} }`,
    ...(routes.length === 0 ? [] : [cluster]),
    "",
  ].join("\n");
}
