/** Two servers that write and delete at once: one order of all lines explains every reply. */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { decodeEntry } from "@wirebook/protocol";
import { openJetStreamHistory } from "@wirebook/history-jetstream";
import { NatsCluster } from "../../test-support/nats-cluster.ts";
import { run as runProgram } from "../../test-support/run.ts";
import { applyLine, LineReader } from "../../libs/history/test/reading.ts";
import type { Raced } from "./cluster/racer.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

export const faultTest: FaultTest = {
  promise: "two servers that write and delete at once agree on one order, which explains every reply",
  unit: "operations of two servers",
  first: 1000,
  full: 100_000,
  isInCi: true,
  needs: ["nats-server"],
  negativeControls: [{ mutant: "unconditional-deletes", count: 400 }],
  run,
};

async function run({ count, random, folder, nodeArgs }: Trial): Promise<Finding> {
  await using cluster = await NatsCluster.start({ nodes: 3, folder });
  const address = cluster.address("race");
  await using witness = await openJetStreamHistory(address);
  await using feed = await witness.follow();
  const racers = await Promise.all(
    ["ada", "eve"].map((name) => race(address, name, count / 2, random.below(1e9), nodeArgs)),
  );
  const { time } = await witness.append({ address: "127.0.0.1", message: "the end", isCut: false });
  const lines = await new LineReader(feed).takeUntil(time);
  const raced = racers.flat();
  const checked = `${raced.length.toLocaleString("en")} replies held against ${lines.length.toLocaleString("en")} lines`;
  return { tried: count, checked, violations: judge(lines, raced) };
}

/** One server's part. */
async function race(
  address: string,
  name: string,
  count: number,
  seed: number,
  nodeArgs: readonly string[],
): Promise<readonly Raced[]> {
  const racer = fileURLToPath(new URL("cluster/racer.ts", import.meta.url));
  const words = [...nodeArgs, racer, address, name, String(count), String(seed)];
  const { code, stdout, stderr } = await runProgram(process.execPath, words);
  if (code !== 0) throw new Error(`a racer ended with ${code}: ${stderr}`);
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Raced);
}

/** Plays the lines in their order, and looks at each reply in the light of that. */
function judge(lines: readonly string[], raced: readonly Raced[]): string[] {
  const violations: string[] = [];
  const copy: string[] = [];
  const written = new Map<string, { readonly position: number; readonly line: string }>();
  for (const line of lines) {
    try {
      applyLine(copy, line);
    } catch (error) {
      violations.push((error as Error).message);
      copy.push(line);
    }
    const [time = ""] = line.split(" ", 1);
    if (written.has(time)) violations.push(`two lines have the time ${time}`);
    written.set(time, { position: copy.length, line });
  }
  for (const reply of raced) {
    if (reply.refused !== undefined) continue;
    const found = written.get(reply.time ?? "");
    if (found === undefined) violations.push(`${JSON.stringify(reply)} was acknowledged and is in no line`);
    else if (found.position !== reply.position) {
      violations.push(`${JSON.stringify(reply)} was told another number than ${found.position}, of ${found.line}`);
    } else if (!fits(reply, found.line)) violations.push(`${JSON.stringify(reply)} is not what ${found.line} says`);
  }
  return violations;
}

function fits({ verb, line: number }: Raced, line: string): boolean {
  const entry = decodeEntry(line);
  if (entry.kind === "request") return verb === "append";
  if (entry.kind !== "result" || entry.result.verb !== verb.replace("delete", "deleted")) return false;
  return entry.result.verb !== "deleted-line" || entry.result.line === number;
}
