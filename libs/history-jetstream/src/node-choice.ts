/**
 * Which node a connection goes to next. The client would take the next in its list, one that is frozen too, whose kernel
 * accepts connections still, and would wait for it while an election is over elsewhere.
 */

import { connect } from "node:net";
import type { ReconnectToServerHandler, Server } from "@nats-io/transport-node";
import { nodeSpeaksMs } from "./limits.ts";

const portDefault = 4222;

/** What is known of the nodes of one connection. */
export class NodeChoice {
  #wanted: string | undefined;

  /** For the client: the node that was found to speak, or else one that has not failed since it was connected last. */
  readonly pick: ReconnectToServerHandler = (pool) => {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    return (
      pool.find((server) => isNode(server, wanted)) ??
      pool.toSorted((one, other) => one.reconnects - other.reconnects)[0] ??
      null
    );
  };

  /** Finds another node that speaks, for the next connection; false when there is none. */
  async findOther(nodes: readonly string[], current: string): Promise<boolean> {
    this.#wanted = await Promise.any(nodes.filter((node) => hostAndPort(node) !== current).map(speaks)).catch(
      () => undefined,
    );
    return this.#wanted !== undefined;
  }
}

function isNode({ hostname, port }: Server, wanted: string | undefined): boolean {
  return `${hostname}:${port}` === wanted;
}

/** A node of NATS speaks first. Resolves with its host and port. */
async function speaks(node: string): Promise<string> {
  const { hostname, port } = urlOf(node);
  const socket = connect({
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port) || portDefault,
    timeout: nodeSpeaksMs,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("data", () => resolve());
      for (const event of ["error", "timeout", "end"]) socket.once(event, () => reject(new Error(`${node} is silent`)));
    });
    return hostAndPort(node);
  } finally {
    socket.destroy();
  }
}

function hostAndPort(node: string): string {
  const { hostname, port } = urlOf(node);
  return `${hostname}:${port === "" ? portDefault : port}`;
}

function urlOf(node: string): URL {
  return new URL(`tcp://${node}`);
}
