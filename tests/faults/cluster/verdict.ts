/** The end of a trial: all servers, and all copies in the cluster, must have the same lines, and the right ones. */

import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { NatsCluster } from "../../../test-support/nats-cluster.ts";
import { ask } from "../history/ask.ts";
import { answersAgain } from "./crowd.ts";
import type { Counters } from "./tally.ts";

const settleMsMax = 30_000;
const pollMs = 100;

/** The violations of a trial, as sentences. */
export async function judge(cluster: NatsCluster, ports: readonly number[], tally: Counters): Promise<string[]> {
  for (const port of ports) await answersAgain(port, settleMsMax);
  const texts = await Promise.all(ports.map(linesOf));
  const shortest = Math.min(...texts.map((text) => text.split("\n").length));
  const digests = texts.map((text) =>
    digestOf(
      text
        .split("\n")
        .slice(0, shortest - 1)
        .join("\n"),
    ),
  );
  const violations = tally.judge(texts[0] as string);
  if (new Set(digests).size > 1) violations.push(`the servers have different lines: ${digests.join(", ")}`);
  const copies = await copiesOf(cluster);
  if (new Set(copies).size > 1) violations.push(`the copies of the stream differ: ${copies.join("; ")}`);
  return violations;
}

/** The whole history, without what stands before it in a reply. */
async function linesOf(port: number): Promise<string> {
  const reply = await ask(port, "reader 2");
  return reply.slice(reply.lastIndexOf("after your username") + 1).replace(/^.*\n/, "");
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** What each node says of its copy, once they are in step. */
async function copiesOf({ nodes }: NatsCluster): Promise<string[]> {
  const deadlineMs = performance.now() + settleMsMax;
  for (;;) {
    const copies = await Promise.all(nodes.map(({ monitorUrl }) => stateAt(monitorUrl)));
    if (new Set(copies).size === 1 || performance.now() > deadlineMs) return copies;
    await wait(pollMs);
  }
}

interface Account {
  readonly account_details?: readonly {
    readonly stream_detail: readonly { readonly name: string; readonly state: Readonly<Record<string, number>> }[];
  }[];
}

async function stateAt(monitorUrl: string): Promise<string> {
  const response = await fetch(`${monitorUrl}/jsz?accounts=true&streams=true`);
  const { account_details: accounts = [] } = (await response.json()) as Account;
  const stream = accounts.flatMap((account) => account.stream_detail).find(({ name }) => !name.startsWith("KV_"));
  const { messages, bytes, first_seq: first, last_seq: last } = stream?.state ?? {};
  return `${messages} messages of ${bytes} bytes, ${first} to ${last}`;
}
