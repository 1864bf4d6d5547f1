/**
 * Which of the nodes that were named a server begins with: the first that can be used, in an order that is chance, so that
 * servers spread over the nodes.
 *
 * A node may be there and not ready: its cluster is being started, or it is cut off from the others. So those that were
 * reached are tried again for a while. Where none is reached, the address is wrong, most likely, and is not waited for.
 */

import { HistoryError } from "@wirebook/history";
import type { NatsAddress } from "./address.ts";
import { startMsMax } from "./limits.ts";

/** Why one node cannot be used, when another one may be; its message is the end of a sentence that begins with the node. */
export class NodeRefusal extends Error {
  override readonly name = "NodeRefusal";
  /** True when the node answered, and may be ready later. */
  readonly isReached: boolean;

  constructor(message: string, { isReached, cause }: { isReached: boolean; cause: unknown }) {
    super(message, { cause });
    this.isReached = isReached;
  }
}

/**
 * Uses the first node that can be used.
 *
 * @param use throws a `NodeRefusal` when another node is to be tried; anything else ends the trying
 * @throws HistoryError with the reason of each node: `storage-failed` when none was reached, `storage-unavailable` when none
 *   that was reached was ready within that time
 */
export async function connectAny<Used>(
  { servers, shown }: Pick<NatsAddress, "servers" | "shown">,
  use: (node: string) => Promise<Used>,
  withinMs: number = startMsMax,
): Promise<Used> {
  const nodes = shuffle(servers);
  const refusals = new Map<string, NodeRefusal>();
  const deadlineMs = performance.now() + withinMs;
  for (let tried = 1; ; tried++) {
    const node = nodes[(tried - 1) % nodes.length] as string;
    try {
      return await use(node);
    } catch (error) {
      if (!(error instanceof NodeRefusal)) throw error;
      refusals.set(node, error);
    }
    const isRoundOver = tried % nodes.length === 0;
    const isReached = [...refusals.values()].some((refusal) => refusal.isReached);
    if ((isRoundOver && !isReached) || (tried >= nodes.length && performance.now() >= deadlineMs)) {
      throw unusable(shown, refusals, isReached);
    }
  }
}

function unusable(shown: string, refusals: ReadonlyMap<string, NodeRefusal>, isReached: boolean): HistoryError {
  const reasons = [...new Set([...refusals.values()].map(({ message }) => message))];
  const sentence =
    reasons.length === 1
      ? `${shown} ${reasons[0]}`
      : `no node of ${shown} can be used: ${[...refusals].map(([node, { message }]) => `${node} ${message}`).join("; ")}`;
  const cause = [...refusals.values()].at(-1);
  return new HistoryError(isReached ? "storage-unavailable" : "storage-failed", sentence, { cause });
}

function shuffle(servers: readonly string[]): readonly string[] {
  return servers
    .map((server) => ({ server, rank: Math.random() }))
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ server }) => server);
}
