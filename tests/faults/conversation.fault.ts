/** Conversations of every shape: any sizes both ways, whoever ends first, resets, stalls; and one of very many reads [G-6]. */

import type { Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { countsOnly } from "@wirebook/protocol";
import { PageClient } from "../../test-support/page-client.ts";
import { memoryOf } from "../../test-support/process-figures.ts";
import { startGateway } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import { TestServer, inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";

const pages = 4;
const atOnce = 16;
const bytesMax = 256 * 1024;
const stallMsMax = 50;
/** Of the one long conversation, for each of the short ones. */
const readsEach = 100;
const readBytes = 8192;
/** MiB that a gateway may hold more after the long conversation than after a fifth of it. */
const growthMiBMax = 50;
/** All bytes that go either way are a piece of these. */
const poolBytes = 2 * bytesMax;

export const faultTest: FaultTest = {
  promise: "a conversation of any shape loses no byte, ends once and as it should, and a long one costs no memory",
  unit: "conversations",
  first: 100,
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

/** What a conversation will be like. */
interface Plan {
  readonly up: Buffer;
  readonly down: Buffer;
  /** Who sends FIN before the other one has sent all, or who breaks the conversation off. */
  readonly fate: "page ends" | "target ends" | "both end" | "page resets" | "page cancels" | "target resets";
  /** Milliseconds for which an end reads nothing. */
  readonly stallMs: { readonly page: number; readonly target: number };
  /** Resolves when the target has got the conversation's number. */
  readonly begun: PromiseWithResolvers<void>;
  /** The target's side: what it got, and how it was closed. */
  readonly seen: PromiseWithResolvers<{ bytes: Buffer; closing: string }>;
}

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
    const plan = choosePlan(pool, random);
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

function choosePlan(pool: Buffer, random: Random): Plan {
  const piece = (): Buffer => {
    const length = random.chance(0.1) ? 0 : random.below(random.chance(0.5) ? 2000 : bytesMax);
    const start = random.below(poolBytes - length);
    return pool.subarray(start, start + length);
  };
  const stall = (): number => (random.chance(0.1) ? random.below(stallMsMax) : 0);
  const fates = ["page ends", "target ends", "both end", "page resets", "page cancels", "target resets"] as const;
  return {
    up: piece(),
    down: piece(),
    fate: random.pick(fates),
    stallMs: { page: stall(), target: stall() },
    begun: Promise.withResolvers(),
    seen: Promise.withResolvers(),
  };
}

/** The page's side; returns what was wrong. */
async function converse(page: PageClient, number: number, plan: Plan, random: Random): Promise<string[]> {
  const { up, down, fate, stallMs } = plan;
  const head = Buffer.alloc(4);
  head.writeUInt32BE(number);
  const stream = page.connect("it", { bytes: head });
  if (stallMs.page > 0) {
    page.socket.pause();
    await wait(stallMs.page);
    page.socket.resume();
  }
  if (fate === "target ends") await stream.until(({ record }) => record.at.fin);
  await sendInPieces((bytes) => stream.send(bytes), up, random);
  await plan.begun.promise;
  if (fate === "page resets") stream.reset();
  else if (fate === "page cancels") stream.cancel();
  else if (fate !== "target resets") stream.end();
  const { bytes, last } = await stream.ended;
  const { bytes: arrived, closing } = await plan.seen.promise;
  const how = last.type === "end" ? last.reason : last.code;
  const isWhole = fate.endsWith("ends") || fate === "both end";
  const wrong: [boolean, string][] = [
    [!outcomes[fate].has(how), `the page was told ${how}`],
    [isWhole ? !bytes.equals(down) : !isPrefix(bytes, down), `the page got ${bytes.length} of ${down.length} bytes`],
    [isWhole ? !arrived.equals(up) : !isPrefix(arrived, up), `the target got ${arrived.length} of ${up.length} bytes`],
    [isWhole && closing !== "FIN", `the target saw ${closing}`],
    [fate.startsWith("page ") && !isWhole && closing === "FIN", "the target saw FIN instead of RST"],
  ];
  return wrong.flatMap(([isWrong, what]) => (isWrong ? [`conversation ${number}, ${fate}: ${what}`] : []));
}

/** What the page may be told; an end of its own may cross one of the target's. */
const outcomes: Readonly<Record<Plan["fate"], ReadonlySet<string>>> = {
  "page ends": new Set(["fin"]),
  "target ends": new Set(["fin"]),
  "both end": new Set(["fin"]),
  "page resets": new Set(["reset"]),
  "page cancels": new Set(["cancelled"]),
  "target resets": new Set(["connection-reset"]),
};

async function sendInPieces(send: (bytes: Buffer) => unknown, bytes: Buffer, random: Random): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const length = random.between(1, random.chance(0.5) ? 200 : 40_000);
    await send(bytes.subarray(at, at + length));
    at += length;
  }
}

/** The target's side of a conversation, whose number comes first. */
async function follow(socket: Socket, plans: ReadonlyMap<number, Plan>, random: Random): Promise<void> {
  const came: Buffer[] = [];
  let closing = "nothing";
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  socket.on("data", (bytes: Buffer) => {
    came.push(bytes);
    begin();
  });
  socket.on("end", () => {
    closing = "FIN";
    end();
  });
  socket.on("error", () => (closing = "RST"));
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  await Promise.race([begun, closed]);
  const number = came.length === 0 ? longConversation : Buffer.concat(came).readUInt32BE();
  if (number === longConversation) return sendLong(socket, closed);
  const plan = plans.get(number);
  if (plan === undefined) return void socket.destroy();
  const { fate, down, stallMs, seen } = plan;
  plan.begun.resolve();
  if (stallMs.target > 0) {
    socket.pause();
    await wait(stallMs.target);
    socket.resume();
  }
  if (fate === "page ends") await Promise.race([ended, closed]);
  const write = (bytes: Buffer): Promise<void> => new Promise((resolve) => socket.write(bytes, () => resolve()));
  await sendInPieces(write, down, random);
  if (fate === "target resets") socket.resetAndDestroy();
  else if (fate !== "page resets" && fate !== "page cancels") socket.end();
  await closed;
  seen.resolve({ bytes: Buffer.concat(came).subarray(4), closing });
}

function isPrefix(part: Buffer, whole: Buffer): boolean {
  return part.equals(whole.subarray(0, part.length));
}

const longConversation = 0xffff_ffff;

/** One conversation of so many reads. */
async function readLong(
  page: PageClient,
  count: number,
  memory: () => Promise<number>,
): Promise<{ reads: number; grownMiB: number; problems: string[] }> {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(longConversation);
  const stream = page.connect("it", { bytes: head }, { bounds: countsOnly });
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

/** Writes pieces one by one, so that few of them share a read. */
async function sendLong(socket: Socket, closed: Promise<void>): Promise<void> {
  socket.setNoDelay();
  const piece = Buffer.alloc(readBytes, "w");
  while (!socket.destroyed) {
    if (socket.write(piece)) await nextTurn();
    else await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
  }
}
