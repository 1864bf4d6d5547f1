/**
 * The services of the lessons are for pages that may use them, while a lesson runs [G-17]: not without `--lessons`, not for
 * a relay, and nothing listens when the streams are over, however they ended.
 */

import { listeningPortsOf } from "../../test-support/process-figures.ts";
import { PageClient } from "../../test-support/page-client.ts";
import type { PageStream } from "../../test-support/page-client.ts";
import { startGateway } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import { RelayClient } from "../../test-support/relay-client.ts";
import { inTurns, TestServer } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";

const atOnce = 8;

/** As docs/reference/gateway-frames.md has them, and not taken from the program. */
const names = ["echo", "greeter", "queue", "refused", "reset", "silent", "stalled", "tls", "websocket"].map(
  (name) => `lesson-${name}`,
);

export const faultTest: FaultTest = {
  promise: "the services of the lessons are there with --lessons alone, for pages alone, and only while a lesson runs",
  unit: "attempts",
  first: 300,
  full: 20_000,
  isInCi: false,
  needs: [],
  negativeControls: [
    { mutant: "unasked-lessons", count: 20 },
    { mutant: "lessons-for-relays", count: 20 },
    { mutant: "lasting-lessons", count: 20 },
  ],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using target = await TestServer.listen((socket) => socket.pipe(socket));
  const options = ["--relay", "--target", `own=tcp://${target.address}`];
  await using without = await startGateway({ options, nodeArgs });
  await using gateway = await startGateway({ options: [...options, "--lessons"], nodeArgs });
  const violations: string[] = [];
  let opened = 0;
  await inTurns(count, atOnce, async (number) => {
    const name = random.pick(names);
    violations.push(...(await tryWithout(without.address, name)));
    for (const { address } of [without, gateway]) violations.push(...(await tryRelay(address, name)));
    opened += await runLesson(gateway.address, random);
    progress(number);
  });
  if (opened === 0) violations.push("no stream reached a service with --lessons");
  for (const { pid, address } of [without, gateway]) {
    const isAlone = async (): Promise<boolean> => (await listeningPortsOf(pid)).length === 1;
    if (await becomes(isAlone, closedWithinMs)) continue;
    violations.push(`${address} also listens on ${(await listeningPortsOf(pid)).join(", ")} after all streams`);
  }
  violations.push(...failuresOf(without), ...failuresOf(gateway));
  const checked = `${opened} streams that reached a service, and no port that was left open`;
  return { tried: count, checked, violations };
}

/** Milliseconds within which nothing may listen any more, on a machine that is busy with other work as well. */
const closedWithinMs = 10_000;

async function tryWithout(address: string, name: string): Promise<string[]> {
  await using page = await PageClient.open(address);
  const { lessons } = await page.frame("hello");
  const stream = page.connect(name, { bytes: "x", isEnded: true });
  await stream.until(({ open }) => open).catch(() => undefined);
  const { open, last } = stream;
  const isUnknown = lessons.length === 0 && last?.type === "error" && last.code === "target-unknown";
  return isUnknown
    ? []
    : [`a gateway without --lessons answered a stream to ${name} with ${JSON.stringify(open ?? last)}`];
}

async function tryRelay(address: string, name: string): Promise<string[]> {
  try {
    (await RelayClient.open(address, name)).socket.terminate();
    return [`a relay reached ${name}`];
  } catch {
    return []; // It was refused.
  }
}

/** A page runs some streams to services, and ends them or goes at any moment; gives how many were opened. */
async function runLesson(address: string, random: Random): Promise<number> {
  await using page = await PageClient.open(address);
  const streams = Array.from({ length: random.between(1, 4) }, () =>
    page.connect(random.pick(names), { bytes: random.pick(["", "hello\n"]) }, { answersFin: true }),
  );
  const endings: ((stream: PageStream) => void)[] = [
    (stream) => stream.cancel(),
    (stream) => stream.reset(),
    () => undefined, // The page goes.
  ];
  for (const stream of streams) {
    if (random.chance(0.7)) await stream.until(({ open, last }) => open ?? last).catch(() => undefined);
    if (stream.last === undefined) random.pick(endings)(stream);
  }
  return streams.filter(({ open }) => open !== undefined).length;
}
