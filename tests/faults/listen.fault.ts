/**
 * Conversations of every shape, in turn with the target itself and through a listening port, which must change nothing of
 * them [G-15]. Pages watch meanwhile: none, one, one that reads nothing for a while, several.
 */

import { connect } from "node:net";
import { PageClient } from "../../test-support/page-client.ts";
import { memoryOf } from "../../test-support/process-figures.ts";
import type { Program } from "../../test-support/program.ts";
import { startGateway } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import { TestServer, addressOf, inTurns } from "../../test-support/tcp-client.ts";
import type { WatchedFlow } from "../../test-support/watched-flows.ts";
import { countsOnly } from "@wirebook/protocol";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";
import {
  SocketReader,
  choosePlan,
  follow,
  headOf,
  isPrefix,
  longConversation,
  poolBytes,
  readNothing,
  sendInPieces,
  wholeFates,
  writeTo,
} from "./network/talks.ts";
import type { Fate, Plan } from "./network/talks.ts";

const atOnce = 16;
/** Conversations until other pages watch. */
const roundSize = 25;
/** Who watches a round: how many pages, and whether they read nothing until it is over. */
const audiences = [
  { pages: 0, isStalled: false },
  { pages: 1, isStalled: false },
  { pages: 1, isStalled: true },
  { pages: 4, isStalled: false },
];
/** So little is kept that a page which reads nothing misses some of every round. */
const watchMemory = ["--watch-memory", "1"];
/** Of the one long conversation, for each of the short ones. */
const bytesEach = 400 * 8192;
/** MiB that a gateway may hold more after the long conversation than after a fifth of it. */
const growthMiBMax = 60;
/** Copies of the pool that go both ways behind each round, to a client that does not read yet: more than the port may hold. */
const copiesOfLast = 16;
/** Bounds a hang: an end that has not come by then is lost. A broken program need not have the time of a busy machine. */
const hangMsMax = 60_000;
const hangMsMaxOfControl = 1000;

const fates: readonly Fate[] = [
  "client ends",
  "target ends",
  "both end",
  "client resets",
  "target resets",
  "client resets behind the target's FIN",
  "target resets behind the client's FIN",
];

export const faultTest: FaultTest = {
  promise:
    "a listening port changes nothing of what it passes on, and who watches gets all of it or is told what is missing",
  unit: "conversations",
  first: 100,
  ci: 60,
  full: 10_000,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "dropped-fin", count: 16 },
    { mutant: "dropped-behind-backpressure", count: 100 },
    { mutant: "kept-flow-reads", count: 60 },
    { mutant: "forgotten-gaps", count: 100 },
  ],
  run,
};

interface Scene {
  readonly plans: Map<number, Plan>;
  readonly gateway: Program;
  /** The target's own port, and the one that listens for it. */
  readonly directPort: number;
  readonly listenPort: number;
  readonly random: Random;
  readonly hangMs: number;
}

async function run({ count, random, nodeArgs, isControl, progress }: Trial): Promise<Finding> {
  const pool = Buffer.from(random.bytes(poolBytes));
  const plans = new Map<number, Plan>();
  const copies = Buffer.concat(Array.from({ length: copiesOfLast }, () => pool));
  const large = { up: copies, down: copies, stallMs: { client: 0, target: 0 } };
  await using server = await TestServer.listen((socket) => void follow(socket, plans, random));
  const options = ["--target", `it=tcp://${server.address}`, "--listen", "0=it", ...watchMemory];
  await using gateway = await startGateway({ options, nodeArgs });
  const listenPort = await listenPortOf(gateway);
  const hangMs = isControl ? hangMsMaxOfControl : hangMsMax;
  const scene: Scene = { plans, gateway, directPort: server.port, listenPort, random, hangMs };
  const violations: string[] = [];
  const totals = { flows: 0, gaps: 0 };
  for (let done = 0, round = 0; done < count && violations.length === 0; done += roundSize, round++) {
    const numbers = Array.from({ length: Math.min(roundSize, count - done) }, (_, at) => done + at);
    for (const number of numbers) plans.set(number, choosePlan(pool, random, fates));
    const { pages, isStalled } = audiences[round % audiences.length] as (typeof audiences)[number];
    await using audience = await Audience.open(gateway, pages);
    if (isStalled) audience.pause();
    await inTurns(numbers.length, atOnce, async (at) => {
      violations.push(...(await converse(scene, numbers[at] as number)));
      progress(done + at);
    });
    if (violations.length > 0) break;
    // It comes behind all others in the log.
    const last = count + round;
    const heldBack = Promise.withResolvers<void>();
    plans.set(last, { ...choosePlan(pool, random, ["both end"]), ...large, heldBack });
    violations.push(...(await converse({ ...scene, hangMs: hangMsMax }, last, listenPort)));
    if (violations.length > 0) break;
    audience.resume();
    violations.push(...(await audience.check(plans, { last, expected: numbers.filter(isThroughPort) })));
    totals.flows += audience.flowCount;
    totals.gaps += audience.gapCount;
  }
  const { grownMiB, problems } = violations.length > 0 ? skipped : await readLong(scene, count * bytesEach);
  if (grownMiB > growthMiBMax) violations.push(`the gateway grew by ${grownMiB} MiB in one long conversation`);
  violations.push(...problems, ...failuresOf(gateway));
  if (violations.length === 0 && !(await becomes(() => server.sockets.size === 0))) {
    violations.push(`${server.sockets.size} connections are left`);
  }
  const checked = `all bytes at both ends; ${totals.flows} flows as pages saw them, ${totals.gaps} gap marks`;
  return { tried: count, checked, violations, figures: { grownMiB } };
}

const skipped = { grownMiB: 0, problems: [] };

async function listenPortOf(gateway: Program): Promise<number> {
  await using page = await PageClient.open(gateway.address);
  const { listening } = await page.frame("hello");
  return listening[0]?.port as number;
}

function isThroughPort(number: number): boolean {
  return number % 2 === 1;
}

/** The client's side, by one way or the other; returns what was wrong at either end. */
async function converse(scene: Scene, number: number, way?: number): Promise<string[]> {
  const { plans, directPort, listenPort, random, hangMs } = scene;
  const plan = plans.get(number) as Plan;
  const { up, down, fate, stallMs, heldBack, begun, seen } = plan;
  const port = way ?? (isThroughPort(number) ? listenPort : directPort);
  // Its address tells pages that watch which one it is.
  const socket = connect({ host: "127.0.0.1", port, localAddress: addressOf(number), allowHalfOpen: true });
  const reader = new SocketReader(socket);
  const { promise: hung, resolve: giveUp } = Promise.withResolvers<undefined>();
  const timer = setTimeout(giveUp, hangMs, undefined);
  const talk = async (): Promise<Awaited<typeof seen.promise>> => {
    const write = writeTo(socket);
    await write(headOf(number));
    await readNothing(socket, heldBack?.promise ?? stallMs.client);
    if (fate === "target ends" || fate === "client resets behind the target's FIN") await reader.ended;
    await sendInPieces(write, up, random);
    await begun.promise;
    if (fate.startsWith("client resets")) socket.resetAndDestroy();
    else if (fate !== "target resets") socket.end();
    await reader.closed;
    return seen.promise;
  };
  const target = await Promise.race([talk(), hung]);
  clearTimeout(timer);
  socket.resetAndDestroy();
  const name = `conversation ${number}, ${fate}, ${port === directPort ? "directly" : "through the port"}`;
  if (target === undefined) return [`${name}: it did not end; the client saw ${reader.closing}`];
  const { client: clientSees, target: targetSees, isUpWhole, isDownWhole } = expected(fate);
  const { bytes } = reader;
  const arrived = target.bytes;
  const wrong: [boolean, string][] = [
    [
      isDownWhole ? !bytes.equals(down) : !isPrefix(bytes, down),
      `the client got ${bytes.length} of ${down.length} bytes`,
    ],
    [
      isUpWhole ? !arrived.equals(up) : !isPrefix(arrived, up),
      `the target got ${arrived.length} of ${up.length} bytes`,
    ],
    [clientSees !== undefined && reader.closing !== clientSees, `the client saw ${reader.closing}`],
    [target.closing !== targetSees, `the target saw ${target.closing}`],
  ];
  return wrong.flatMap(([isWrong, what]) => (isWrong ? [`${name}: ${what}`] : []));
}

/** What each end sees last, and which of them gets all bytes. One that resets does not look any more. */
function expected(fate: Fate) {
  const isWhole = wholeFates.has(fate);
  const isByTarget = fate.startsWith("target resets");
  const isBehindFin = fate.includes("behind");
  return {
    client: isWhole ? "FIN" : isByTarget ? "RST" : undefined,
    target: isWhole ? "FIN" : isByTarget ? (isBehindFin ? "FIN" : "nothing") : "RST",
    isUpWhole: isWhole || (isByTarget && isBehindFin),
    isDownWhole: isWhole || (!isByTarget && isBehindFin),
  };
}

/** The ends of a flow as a page sees them, sorted. */
function expectedEnds(fate: Fate): readonly string[] {
  const [finUp, finDown] = [
    ["fin client >", "fin target >"],
    ["fin client <", "fin target <"],
  ];
  const [rstUp, rstDown] = [
    ["rst client >", "rst target >"],
    ["rst client <", "rst target <"],
  ];
  if (wholeFates.has(fate)) return [...finUp, ...finDown].toSorted();
  const isBehindFin = fate.includes("behind");
  if (fate.startsWith("target")) return [...(isBehindFin ? finUp : []), ...rstDown].toSorted();
  return [...(isBehindFin ? finDown : []), ...rstUp].toSorted();
}

/** Pages that watch. */
class Audience implements AsyncDisposable {
  readonly #pages: readonly PageClient[];

  static async open(gateway: Program, count: number): Promise<Audience> {
    const pages = await Promise.all(Array.from({ length: count }, () => PageClient.open(gateway.address)));
    for (const page of pages) page.send({ type: "watch" });
    await Promise.all(pages.map((page) => page.frame("watching")));
    return new Audience(pages);
  }

  private constructor(pages: readonly PageClient[]) {
    this.#pages = pages;
  }

  get flowCount(): number {
    return this.#pages.reduce((sum, { flows }) => sum + flows.flows.size, 0);
  }

  get gapCount(): number {
    return this.#pages.reduce((sum, { flows }) => sum + flows.gapCount, 0);
  }

  pause(): void {
    for (const { socket } of this.#pages) socket.pause();
  }

  resume(): void {
    for (const { socket } of this.#pages) socket.resume();
  }

  /** Waits until each page knows of the last conversation, and says what is wrong with what it saw of all. */
  async check(
    plans: ReadonlyMap<number, Plan>,
    { last, expected: numbers }: { readonly last: number; readonly expected: readonly number[] },
  ): Promise<string[]> {
    const numberOf = new Map([...plans.keys()].map((number) => [addressOf(number), number]));
    const found = this.#pages.map(async (page) => {
      const seen = (): Map<number, WatchedFlow> =>
        new Map(
          [...page.flows.flows.values()].map((flow) => [numberOf.get(flow.head.client?.address ?? "") ?? -1, flow]),
        );
      await page.until(() => (seen().get(last)?.last === undefined ? undefined : true));
      const flows = seen();
      const isWhole = page.flows.gapCount === 0;
      const unseen = isWhole ? numbers.filter((number) => flows.get(number)?.last === undefined) : [];
      return [
        ...[...flows].flatMap(([number, flow]) => checkFlow(number, plans.get(number), flow)),
        ...unseen.map((number) => `a page saw nothing of conversation ${number}, and no mark`),
        ...page.unexpected,
      ];
    });
    return (await Promise.all(found)).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pages.map((page) => page[Symbol.asyncDispose]()));
  }
}

/** Each read that a page got must be what was sent at its place, and what it got and what it missed must add up. */
function checkFlow(number: number, plan: Plan | undefined, { record, last, hasGap, isLost }: WatchedFlow): string[] {
  if (plan === undefined) return ["a page saw a flow that was no conversation"];
  const name = `a page that watched conversation ${number}, ${plan.fate}`;
  const sent = Buffer.concat([headOf(number), plan.up]);
  const isOther = record.events.some(({ kind, isFromTarget, offset, bytes }) => {
    if (kind !== "data" || bytes === undefined) return false;
    return !(isFromTarget ? plan.down : sent).subarray(offset, offset + bytes.length).equals(bytes);
  });
  if (isOther) return [`${name}, got other bytes than were sent`];
  if (last === undefined) return isLost ? [] : [`${name}, saw no end`];
  const { sentBytes, receivedBytes } = record;
  const isWhole = wholeFates.has(plan.fate);
  const ends = record.events.filter(({ kind }) => kind === "fin" || kind === "rst");
  const endsSeen = ends.map(({ kind, leg, isFromTarget }) => `${kind} ${leg} ${isFromTarget ? "<" : ">"}`).toSorted();
  const wrong: [boolean, string][] = [
    [sentBytes !== last.sentBytes, `knew of ${sentBytes} bytes sent of ${last.sentBytes}`],
    [receivedBytes !== last.receivedBytes, `knew of ${receivedBytes} bytes received of ${last.receivedBytes}`],
    [isWhole && sentBytes !== sent.length, `was told of ${sentBytes} bytes sent of ${sent.length}`],
    [
      isWhole && receivedBytes !== plan.down.length,
      `was told of ${receivedBytes} bytes received of ${plan.down.length}`,
    ],
    [!hasGap && String(endsSeen) !== String(expectedEnds(plan.fate)), `saw these ends: ${endsSeen.join(", ")}`],
  ];
  return wrong.flatMap(([isWrong, what]) => (isWrong ? [`${name}, ${what}`] : []));
}

/** One conversation of so many bytes, while one page watches and another reads nothing. */
async function readLong(scene: Scene, byteCount: number): Promise<{ grownMiB: number; problems: string[] }> {
  const { gateway, listenPort } = scene;
  await using watching = await PageClient.open(gateway.address);
  watching.flows.bounds = countsOnly;
  watching.send({ type: "watch" });
  await using stalled = await PageClient.open(gateway.address);
  stalled.send({ type: "watch" });
  stalled.socket.pause();
  const socket = connect({ host: "127.0.0.1", port: listenPort });
  await writeTo(socket)(headOf(longConversation));
  const port = socket.localPort;
  let received = 0;
  let reached = Promise.withResolvers<void>();
  let goal = byteCount / 5;
  socket.on("data", ({ length }) => {
    received += length;
    if (received >= goal) reached.resolve();
  });
  await reached.promise;
  const { nowMiB: before } = await memoryOf(gateway.pid);
  reached = Promise.withResolvers();
  goal = byteCount;
  await reached.promise;
  const grownMiB = Math.round((await memoryOf(gateway.pid)).nowMiB - before);
  socket.resetAndDestroy();
  const { record, last } = await watching.until(() =>
    [...watching.flows.flows.values()].find((flow) => flow.head.client?.port === port && flow.last !== undefined),
  );
  const isRight = last?.receivedBytes === record.receivedBytes && record.receivedBytes >= received;
  const problem = `of a long conversation a page knew of ${record.receivedBytes} bytes, of ${last?.receivedBytes}`;
  return { grownMiB, problems: isRight ? [] : [problem] };
}
