/** Conversations of every shape: any sizes both ways, whoever ends first, resets, stalls; and one of very many reads [G-6]. */

import { countsOnly } from "@wirebook/protocol";
import { PageClient } from "../../test-support/page-client.ts";
import { memoryOf } from "../../test-support/process-figures.ts";
import { startGateway } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import { TestServer, inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";
import {
  choosePlan,
  follow,
  headOf,
  isPrefix,
  longConversation,
  poolBytes,
  readNothing,
  sendInPieces,
  wholeFates,
} from "./network/talks.ts";
import type { Fate, Plan } from "./network/talks.ts";

const pages = 4;
const atOnce = 16;
/** Of the one long conversation, for each of the short ones. */
const readsEach = 100;
/** MiB that a gateway may hold more after the long conversation than after a fifth of it. */
const growthMiBMax = 50;
export const faultTest: FaultTest = {
  promise: "a conversation of any shape loses no byte, ends once and as it should, and a long one costs no memory",
  unit: "conversations",
  first: 100,
  ci: 50,
  full: 10_000,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "no-half-open-conversation", count: 100 },
    { mutant: "times-at-random", count: 20 },
    { mutant: "kept-reads", count: 100 },
  ],
  run,
};

const fates = ["client ends", "target ends", "both end", "client resets", "client cancels", "target resets"] as const;

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  const pool = Buffer.from(random.bytes(poolBytes));
  const plans = new Map<number, Plan>();
  await using server = await TestServer.listen((socket) => void follow(socket, plans, random));
  await using gateway = await startGateway({ options: ["--target", `it=tcp://${server.address}`], nodeArgs });
  await using stack = new AsyncDisposableStack();
  const opened = await Promise.all(Array.from({ length: pages }, () => PageClient.open(gateway.address)));
  for (const page of opened) stack.use(page);
  const violations: string[] = [];
  await inTurns(count, atOnce, async (number) => {
    const plan = choosePlan(pool, random, fates);
    plans.set(number, plan);
    violations.push(...(await converse(opened[number % pages] as PageClient, number, plan, random)));
    plans.delete(number);
    progress(number);
  });
  const memory = async (): Promise<number> => (await memoryOf(gateway.pid)).nowMiB;
  const { reads, grownMiB, problems } = await readLong(opened[0] as PageClient, count * readsEach, memory);
  if (grownMiB > growthMiBMax) violations.push(`the gateway grew by ${grownMiB} MiB over ${reads} reads`);
  violations.push(...problems, ...opened.flatMap(({ unexpected }) => unexpected), ...failuresOf(gateway));
  if (!(await becomes(() => server.sockets.size === 0))) violations.push(`${server.sockets.size} connections are left`);
  const checked = `all bytes compared at both ends, and one of ${reads.toLocaleString("en")} reads`;
  return { tried: count, checked, violations, figures: { grownMiB } };
}

/** The page's side; returns what was wrong. */
async function converse(page: PageClient, number: number, plan: Plan, random: Random): Promise<string[]> {
  const { up, down, fate, stallMs } = plan;
  const stream = page.connect("it", { bytes: headOf(number) });
  await readNothing(page.socket, stallMs.client);
  if (fate === "target ends") await stream.until(({ record }) => record.at.fin);
  await sendInPieces((bytes) => stream.send(bytes), up, random);
  await plan.begun.promise;
  if (fate === "client resets") stream.reset();
  else if (fate === "client cancels") stream.cancel();
  else if (fate !== "target resets") stream.end();
  const { bytes, last } = await stream.ended;
  const { bytes: arrived, closing } = await plan.seen.promise;
  const how = last.type === "end" ? last.reason : last.code;
  const isWhole = wholeFates.has(fate);
  const wrong: [boolean, string][] = [
    [!outcomes[fate]?.has(how), `the page was told ${how}`],
    [isWhole ? !bytes.equals(down) : !isPrefix(bytes, down), `the page got ${bytes.length} of ${down.length} bytes`],
    [isWhole ? !arrived.equals(up) : !isPrefix(arrived, up), `the target got ${arrived.length} of ${up.length} bytes`],
    [isWhole && closing !== "FIN", `the target saw ${closing}`],
    [fate.startsWith("client ") && !isWhole && closing === "FIN", "the target saw FIN instead of RST"],
  ];
  return wrong.flatMap(([isWrong, what]) => (isWrong ? [`conversation ${number}, ${fate}: ${what}`] : []));
}

/** What the page may be told; an end of its own may cross one of the target's. */
const outcomes: Readonly<Partial<Record<Fate, ReadonlySet<string>>>> = {
  "client ends": new Set(["fin"]),
  "target ends": new Set(["fin"]),
  "both end": new Set(["fin"]),
  "client resets": new Set(["reset"]),
  "client cancels": new Set(["cancelled"]),
  "target resets": new Set(["connection-reset"]),
};

/** One conversation of so many reads. */
async function readLong(
  page: PageClient,
  count: number,
  memory: () => Promise<number>,
): Promise<{ reads: number; grownMiB: number; problems: string[] }> {
  const stream = page.connect("it", { bytes: headOf(longConversation) }, { bounds: countsOnly });
  const reached = (reads: number): Promise<true> =>
    stream.until(({ record }) => (record.readCount >= reads ? true : undefined));
  await reached(count / 5);
  const before = await memory();
  await reached(count);
  const grownMiB = Math.round((await memory()) - before);
  stream.cancel();
  const { last, record } = await stream.ended;
  const isRight = last.type === "end" && last.receivedBytes === record.receivedBytes;
  const problems = isRight ? [] : [`the long conversation ended as ${JSON.stringify(last)}`];
  return { reads: record.readCount, grownMiB, problems };
}
