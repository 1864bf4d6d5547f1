/** Clients of the relay, with text and binary messages of any size; and some that read nothing [G-13]. */

import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { memoryOf } from "../../test-support/process-figures.ts";
import { startGateway } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import { RelayClient } from "../../test-support/relay-client.ts";
import { TestServer, inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { becomes, becomesStill, failuresOf } from "./network/gateway-health.ts";

const mebibyte = 1024 * 1024;
const atOnce = 16;
/** Of all clients, those that read nothing. */
const stalledShare = 0.1;
const stalledMiBMax = 8;
/** What the target has for each of them. */
const floodBytes = 64 * mebibyte;
const messageBytesMax = 100_000;
const poolBytes = mebibyte;
/** What each client sends and gets: 10 GiB in all before a release, 32 MiB in CI. */
const bytesEach = 0.32 * mebibyte;
const bytesEachInFull = 2.048 * mebibyte;

export const faultTest: FaultTest = {
  promise: "any WebSocket client gets exactly the target's bytes, and one that stalls costs little memory",
  unit: "clients of the relay",
  first: 200,
  ci: 100,
  full: 5000,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "latin-relay", count: 20 },
    { mutant: "no-gateway-backpressure", count: 20 },
  ],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using mirror = await TestServer.listen((socket) => socket.pipe(socket));
  await using flood = await TestServer.listen(pour);
  const targets = [`mirror=tcp://${mirror.address}`, `flood=tcp://${flood.address}`];
  const options = ["--relay", ...targets.flatMap((target) => ["--target", target])];
  await using gateway = await startGateway({ options, connections: count + 16, nodeArgs });
  const bytes = count >= 1000 ? bytesEachInFull : bytesEach;
  const violations: string[] = [];
  const pool = Buffer.from(random.bytes(poolBytes));
  const talk = async (number: number): Promise<void> => {
    violations.push(...(await echo(gateway.address, { number, pool, random, bytes })));
    progress(number);
  };
  // What the first ones load and compile is not the memory of those that stall.
  await inTurns(Math.min(count, atOnce), atOnce, talk);
  const { nowMiB: before } = await memoryOf(gateway.pid);
  using stalled = new DisposableStack();
  const stalledCount = Math.ceil(count * stalledShare);
  for (let opened = 0; opened < stalledCount; opened++) {
    stalled.use(await RelayClient.open(gateway.address, "flood")).socket.pause();
  }
  await becomesStill(() => [...flood.sockets].reduce((sum, socket) => sum + takenOf(socket), 0));
  const eachMiB = ((await memoryOf(gateway.pid)).nowMiB - before) / stalledCount;
  if (eachMiB > stalledMiBMax) violations.push(`each stalled client cost ${eachMiB.toFixed(1)} MiB`);
  await inTurns(count, atOnce, talk);
  violations.push(...failuresOf(gateway));
  const checked = `${Math.round((count * bytes) / mebibyte)} MiB each way by SHA-256, while ${stalledCount} stalled`;
  return { tried: count, checked, violations, figures: { "MiB for a stalled one": eachMiB.toFixed(1) } };
}

interface Echo {
  readonly number: number;
  readonly pool: Buffer;
  readonly random: Random;
  readonly bytes: number;
}

/** Sends so many bytes to the mirror, in messages of any size, as text where the number is odd. */
async function echo(address: string, { number, pool, random, bytes }: Echo): Promise<string[]> {
  const [there, back] = [createHash("sha256"), createHash("sha256")];
  const protocols = random.pick([[], ["binary"], ["mqtt", "binary"]]);
  await using client = await RelayClient.open(address, "mirror", { protocols, onMessage: (part) => back.update(part) });
  let sentBytes = 0;
  while (sentBytes < bytes) {
    const length = random.below(random.chance(0.5) ? 200 : messageBytesMax);
    const piece = pool.subarray(random.below(poolBytes - length)).subarray(0, length);
    const message = number % 2 === 0 ? piece : piece.toString("latin1");
    there.update(message);
    sentBytes += Buffer.byteLength(message);
    await client.send(message);
  }
  await becomes(() => client.receivedBytes >= sentBytes);
  const { code } = await client.end();
  const isSame = there.digest("hex") === back.digest("hex") && client.receivedBytes === sentBytes;
  if (isSame && code === 1000) return [];
  return [`client ${number} sent ${sentBytes} bytes, got ${client.receivedBytes}, and was closed with ${code}`];
}

/** Bytes that the kernel has taken. */
function takenOf({ bytesWritten, writableLength }: Socket): number {
  return bytesWritten - writableLength;
}

/** Sends as fast as it can. */
function pour(socket: Socket): void {
  const piece = Buffer.alloc(mebibyte, "w");
  let left = floodBytes / piece.length;
  const go = (): void => {
    while (left-- > 0) if (!socket.write(piece)) return void socket.once("drain", go);
  };
  go();
}
