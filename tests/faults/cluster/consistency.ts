/** At the end of a trial all servers, and all copies in the cluster, have the same lines, and the right ones. */

import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { decodeEntry } from "@wirebook/protocol";
import type { NatsCluster } from "../../../test-support/nats-cluster.ts";
import { ask } from "../../../test-support/tcp-client.ts";
import { answersAgain } from "./cluster-writers.ts";

const settleMsMax = 30_000;
const pollMs = 100;

/** How the lines start that are there before the trial. */
export const oldLine = "old line ";

const keyForm = /^w(?<writer>\d+)-(?<number>\d+)$/;

/** What the writers of a cluster sent and were told. A request's key is `w3-17`: the seventeenth of writer 3. */
export class Acknowledgements {
  readonly #acknowledged = new Set<string>();
  readonly #sent = new Set<string>();

  /** As it stands in a report. */
  get checked(): string {
    return `${this.#acknowledged.size.toLocaleString("en")} acknowledged lines looked for`;
  }

  send(key: string): void {
    this.#sent.add(key);
  }

  acknowledge(key: string): void {
    this.#acknowledged.add(key);
  }

  /** Each violation in the history's text: first acknowledged lines that are lost, then those that are double or out of order. */
  violationsIn(text: string): string[] {
    const violations: string[] = [];
    const seen = new Set<string>();
    const last = new Map<string, number>();
    let lastTime = "";
    for (const line of text.split("\n").slice(0, -1)) {
      const entry = decodeEntry(line);
      if (entry.kind === "external") {
        if (line.startsWith(oldLine)) continue;
        violations.push(`a line that no client wrote: ${line}`);
        continue;
      }
      if (entry.time <= lastTime) violations.push(`the time of ${line} is not past ${lastTime}`);
      lastTime = entry.time;
      const { writer, number } = (entry.kind === "request" ? keyForm.exec(entry.message)?.groups : undefined) ?? {};
      if (writer === undefined) continue;
      const key = `w${writer}-${number}`;
      if (seen.has(key)) violations.push(`${key} stands twice`);
      if (!this.#sent.has(key)) violations.push(`${key} was never sent`);
      if (Number(number) <= (last.get(writer) ?? 0)) violations.push(`${key} is out of its writer's order`);
      last.set(writer, Number(number));
      seen.add(key);
    }
    const lost = [...this.#acknowledged].filter((key) => !seen.has(key));
    return [...lost.map((key) => `${key} was acknowledged and is lost`), ...violations];
  }
}

/** Waits until all servers answer; returns the violations of the trial. */
export async function findViolations(
  cluster: NatsCluster,
  ports: readonly number[],
  acknowledgements: Acknowledgements,
): Promise<string[]> {
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
  const violations = acknowledgements.violationsIn(texts[0] as string);
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
