/** Who leads a cluster, as its nodes tell at their monitors, and where the consumers of a stream live. */

import { setTimeout as wait } from "node:timers/promises";
import type { NatsCluster } from "../../../test-support/nats-cluster.ts";
import type { NatsNode } from "../../../test-support/nats-node.ts";

const pollMs = 20;
const askMsMax = 500;

interface Jsz {
  readonly meta_cluster?: { readonly leader?: string };
  readonly account_details?: readonly { readonly stream_detail?: readonly StreamDetail[] }[];
}

interface StreamDetail {
  readonly name: string;
  readonly cluster?: { readonly leader?: string };
  readonly consumer_detail?: readonly object[];
}

/** What one node knows. */
interface Known {
  readonly meta: string;
  readonly streams: readonly StreamDetail[];
}

/** The names of the nodes that lead: the cluster's own affairs (`meta`), and each stream. */
export interface Leaders {
  readonly meta: string;
  readonly streams: ReadonlyMap<string, string>;
}

/** Resolves when all of these nodes agree on leaders, for each of those streams one that is among them. */
export async function leadersAmong(nodes: readonly NatsNode[], streams: readonly string[]): Promise<Leaders> {
  const names = new Set(nodes.map(({ name }) => name));
  for (;;) {
    const known = await Promise.all(nodes.map(look));
    const told = known.map((each) => ({ meta: each.meta, streams: new Map(each.streams.map(leaderOf)) }));
    const [first] = told;
    const isAgreed = told.every(
      ({ meta, streams: of }) =>
        names.has(meta) &&
        meta === first?.meta &&
        streams.every((name) => names.has(of.get(name) ?? "") && of.get(name) === first.streams.get(name)),
    );
    if (first !== undefined && isAgreed) return first;
    await wait(pollMs);
  }
}

/** The node with the most consumers of a stream. */
export async function hostOfConsumers({ nodes }: NatsCluster, stream: string): Promise<NatsNode> {
  const counts = await Promise.all(
    nodes.map(async (node) => {
      const detail = (await look(node)).streams.find(({ name }) => name === stream);
      return { node, count: detail?.consumer_detail?.length ?? 0 };
    }),
  );
  return counts.toSorted((one, other) => other.count - one.count)[0]?.node as NatsNode;
}

function leaderOf({ name, cluster }: StreamDetail): [string, string] {
  return [name, cluster?.leader ?? ""];
}

async function look({ monitorUrl }: NatsNode): Promise<Known> {
  try {
    const response = await fetch(`${monitorUrl}/jsz?streams=1&consumers=1`, { signal: AbortSignal.timeout(askMsMax) });
    const { meta_cluster: meta, account_details: accounts = [] } = (await response.json()) as Jsz;
    return { meta: meta?.leader ?? "", streams: accounts.flatMap(({ stream_detail: all = [] }) => all) };
  } catch {
    return { meta: "", streams: [] };
  }
}
