/** Frames that no page sends: random bytes, mutated frames, and fragments without end. */

import type { Socket } from "node:net";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";
import { PageClient } from "../../test-support/page-client.ts";
import { memoryOf } from "../../test-support/process-figures.ts";
import type { Random } from "../../test-support/random.ts";
import { handshake, encodeClientFrame, opcodes, upgradeHeaders } from "../../test-support/raw-web-socket.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const framesPerSocket = 20;
const socketsAtOnce = 8;
const emptyFragments = 200_000;
/** MiB that a gateway may hold more after all this than after its first few frames. */
const growthMiBMax = 50;

export const faultTest: FaultTest = {
  promise: "no frame, valid or not, ends the gateway, makes it err, or makes it grow",
  unit: "frames",
  first: 10_000,
  full: 1_000_000,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "unvalidated-frames", count: 2000 },
    { mutant: "unlimited-fragments", count: 100 },
  ],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer();
  await using gateway = await startGateway({ server: server.address, nodeArgs });
  const { pid } = gateway;
  const violations: string[] = [];
  const sendSome = async (): Promise<void> => {
    const { socket } = await open(gateway.port);
    const make = random.chance(0.7) ? strangeContent : strangeFrame;
    for (let sent = 0; sent < framesPerSocket && !socket.destroyed; sent++) socket.write(make(random));
    await closeAnswered(socket);
  };
  const perTurn = framesPerSocket * socketsAtOnce;
  let before = 0;
  for (let done = 0; done < count && failuresOf(gateway).length === 0; done += perTurn) {
    await Promise.all(Array.from({ length: socketsAtOnce }, sendSome));
    // What the first turns load and compile is no growth.
    if (before === 0 && done + perTurn >= count / 5) before = (await memoryOf(pid)).nowMiB;
    progress(done);
  }
  violations.push(...(await stillServes(gateway.address)), ...(await sendEmptyFragments(gateway.port)));
  violations.push(...failuresOf(gateway));
  const grownMiB = violations.length > 0 ? 0 : Math.round((await memoryOf(pid)).nowMiB - before);
  if (grownMiB > growthMiBMax) violations.push(`the gateway grew by ${grownMiB} MiB`);
  const checked = `and ${emptyFragments.toLocaleString("en")} empty fragments`;
  return { tried: count, checked, violations, figures: { grownMiB } };
}

async function open(port: number): Promise<{ socket: Socket }> {
  const host = `127.0.0.1:${port}`;
  const { status, socket } = await handshake(port, { headers: upgradeHeaders(host, `http://${host}`) });
  if (status !== 101) throw new Error(`the gateway answered ${status} to a right handshake`);
  return { socket };
}

/** Sends a close frame behind all else, and waits until the gateway has closed, for whatever reason. */
async function closeAnswered(socket: Socket): Promise<void> {
  socket.write(encodeClientFrame(opcodes.close, new Uint8Array(0)));
  // A mutated length may have swallowed the close frame: then FIN is what ends it.
  socket.end();
  await becomes(() => socket.destroyed);
  socket.destroy();
}

async function stillServes(address: string): Promise<string[]> {
  try {
    using page = await PageClient.open(address);
    const { last } = await page.request("brick");
    return last.type === "end" ? [] : [`a good page got ${JSON.stringify(last)}`];
  } catch (error) {
    return [`a good page is not served any more: ${String(error)}`];
  }
}

/** A message of so many fragments must be refused long before its end (CVE-2022-39386), so it gets no answer. */
async function sendEmptyFragments(port: number): Promise<string[]> {
  const { socket } = await open(port).catch(() => ({ socket: undefined }));
  if (socket === undefined) return ["no WebSocket could be opened for the fragments"];
  let received = "";
  socket.on("data", (data: Buffer) => (received += data.toString("latin1")));
  const empty = encodeClientFrame(opcodes.continuation, new Uint8Array(0), false);
  const some = Buffer.concat(Array.from({ length: 1000 }, () => empty));
  socket.write(encodeClientFrame(opcodes.text, Buffer.from('{"type":"clock","at":1}'), false));
  for (let sent = 0; sent < emptyFragments && !socket.destroyed; sent += 1000) {
    await new Promise<void>((resolve) => socket.write(some, () => resolve()));
  }
  socket.write(encodeClientFrame(opcodes.continuation, new Uint8Array(0)));
  const isAnswered = (): boolean => received.includes('"type":"clock"');
  const isOver = await becomes(() => socket.destroyed || socket.readableEnded || isAnswered());
  socket.destroy();
  return isOver && !isAnswered() ? [] : [`a message of ${emptyFragments} empty fragments was not refused`];
}

/** Strange inside, but a frame: it gets past RFC 6455 to what reads the page's frames. */
function strangeContent(random: Random): Buffer {
  if (random.chance(0.2)) return encodeClientFrame(opcodes.binary, random.bytes(random.below(40)));
  const text = mutate(Buffer.from(likelyText(random)), random);
  // Text must be UTF-8, which bytes below 128 always are.
  return encodeClientFrame(
    opcodes.text,
    text.map((byte) => byte & 0x7f),
  );
}

/** Hardly a frame: the reader of RFC 6455 itself gets this one. */
function strangeFrame(random: Random): Buffer {
  const opcode = random.chance(0.5) ? random.pick([opcodes.text, opcodes.binary]) : random.below(16);
  const frame = encodeClientFrame(opcode, random.bytes(random.below(300)), random.chance(0.9));
  return random.chance(0.7) ? mutate(frame, random) : Buffer.from(random.bytes(1 + random.below(200)));
}

function likelyText(random: Random): string {
  const id = random.pick<unknown>([1, 2, 3, 0, -1, 4_294_967_295, 4_294_967_296, 1.5, "1", null, {}]);
  const word = random.pick<unknown>([
    "brick",
    "",
    "a b",
    "x\n",
    "é",
    "a".repeat(3000),
    7,
    null,
    ["brick"],
    { user: "brick" },
  ]);
  const frames: readonly unknown[] = [
    { type: "request", id, user: word },
    { type: "request", id, user: "brick", operation: random.pick([2, 4, -1, 1e300, "2"]), arguments: [word] },
    { type: "request", id, user: "brick", arguments: word },
    { type: "raw", id, bytes: random.pick(["YnJpY2sK", "?", "A", "", word]), end: random.pick([true, false, 1]) },
    { type: "end", id },
    { type: "cancel", id },
    { type: "clock", at: random.pick([1, Number.MAX_VALUE, "x", null]) },
    { type: word, id },
    { ["__proto__"]: { type: "request" }, id, constructor: word },
    [word, id],
    word,
  ];
  return JSON.stringify(random.pick(frames));
}

/** Changes a few of its bytes, or cuts it, or repeats a piece. */
function mutate(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0 || random.chance(0.4)) return bytes;
  const changed = Buffer.from(bytes);
  for (let times = random.between(1, 3); times > 0; times--) changed[random.below(changed.length)] = random.below(256);
  const at = random.below(changed.length);
  if (random.chance(0.2)) return changed.subarray(0, at);
  return random.chance(0.2) ? Buffer.concat([changed, changed.subarray(at)]) : changed;
}
