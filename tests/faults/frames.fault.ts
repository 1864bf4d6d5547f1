/** Frames that no client sends: random bytes, mutated frames, and fragments without end, to a page's WebSocket, to a relay, and to a listening port. */

import type { Socket } from "node:net";
import { encodeByteFrame, streamIdMax } from "@wirebook/protocol";
import { freePort } from "../../test-support/free-port.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { becomes, failuresOf } from "./network/gateway-health.ts";
import { PageClient } from "../../test-support/page-client.ts";
import { memoryOf } from "../../test-support/process-figures.ts";
import type { Random } from "../../test-support/random.ts";
import { handshake, encodeClientFrame, opcodes, upgradeHeaders } from "../../test-support/raw-web-socket.ts";
import { RelayClient } from "../../test-support/relay-client.ts";
import { TestServer, exchange } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const shownTarget = { name: "it", transport: "tcp", address: "127.0.0.1:1", proxyHeaderBytes: 0 };
/** Where to, the page's more often. */
const paths = ["/ws", "/ws", "/tcp/it"];
const framesPerSocket = 20;
const socketsAtOnce = 8;
const emptyFragments = 200_000;
/** MiB that a gateway may hold more after all this than after its first few frames. */
const growthMiBMax = 50;

export const faultTest: FaultTest = {
  promise: "no frame, valid or not, ends the gateway, makes it err, or makes it grow",
  unit: "frames",
  first: 10_000,
  ci: 3000,
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
  await using mirror = await TestServer.listen((socket) => socket.pipe(socket));
  const listenPort = await freePort();
  const options = ["--relay", "--target", `it=tcp://${mirror.address}`, "--listen", `${listenPort}=it`];
  await using gateway = await startGateway({ server: server.address, options, nodeArgs });
  const { pid } = gateway;
  const violations: string[] = [];
  const sendSome = async (): Promise<void> => {
    const path = random.pick(paths);
    const { socket } = await open(gateway.port, path).catch((error: Error) => ({ socket: error.message }));
    // A frame of another socket may have ended the gateway just now.
    if (typeof socket === "string") return void violations.push(`no WebSocket to ${path} could be opened: ${socket}`);
    const make = random.chance(0.7) ? strangeContent : strangeFrame;
    for (let sent = 0; sent < framesPerSocket && !socket.destroyed; sent++) socket.write(make(random, listenPort));
    await closeAnswered(socket);
  };
  const perTurn = framesPerSocket * socketsAtOnce;
  let before = 0;
  for (let done = 0; done < count && failuresOf(gateway).length + violations.length === 0; done += perTurn) {
    await Promise.all(Array.from({ length: socketsAtOnce }, sendSome));
    // What the first turns load and compile is no growth.
    if (before === 0 && done + perTurn >= count / 5) before = (await memoryOf(pid)).nowMiB;
    progress(done);
  }
  violations.push(...(await stillServes(gateway.address, listenPort, random)));
  for (const path of new Set(paths)) violations.push(...(await sendEmptyFragments(gateway.port, path)));
  violations.push(...failuresOf(gateway));
  const grownMiB = violations.length > 0 ? 0 : Math.round((await memoryOf(pid)).nowMiB - before);
  if (grownMiB > growthMiBMax) violations.push(`the gateway grew by ${grownMiB} MiB`);
  const checked = `and ${emptyFragments.toLocaleString("en")} empty fragments`;
  return { tried: count, checked, violations, figures: { grownMiB } };
}

async function open(port: number, path: string): Promise<{ socket: Socket }> {
  const host = `127.0.0.1:${port}`;
  const requestLine = `GET ${path} HTTP/1.1`;
  const { status, socket } = await handshake(port, { requestLine, headers: upgradeHeaders(host, `http://${host}`) });
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

async function stillServes(address: string, port: number, random: Random): Promise<string[]> {
  try {
    using page = await PageClient.open(address);
    // Some of the frames may have set faults.
    page.send({ type: "set-faults", port, faults: {} });
    await page.frame("listening", (frame) => Object.keys(frame.listening[0]?.faults ?? {}).length === 0);
    const strange = Buffer.concat(Array.from({ length: 20 }, () => strangeFrame(random)));
    const { text, error } = await exchange(port, (socket) => socket.end(strange));
    if (error !== undefined || text !== strange.toString())
      return [`through the port came ${JSON.stringify(text.slice(0, 80))}`];
    using client = await RelayClient.open(address, "it");
    await client.send("still there");
    const { last } = await page.request("brick").ended;
    const echoed = String(await client.received(11));
    const isServed = last.type === "end" && echoed === "still there" && page.unexpected.length === 0;
    return isServed ? [] : [`good clients got ${JSON.stringify([last, echoed, page.unexpected])}`];
  } catch (error) {
    return [`good clients are not served any more: ${String(error)}`];
  }
}

/** A message of so many fragments must be refused long before its end (CVE-2022-39386), so it gets no answer. */
async function sendEmptyFragments(port: number, path: string): Promise<string[]> {
  const { socket } = await open(port, path).catch(() => ({ socket: undefined }));
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
  return isOver && !isAnswered() ? [] : [`a message of ${emptyFragments} empty fragments to ${path} was not refused`];
}

/** Strange inside, but a frame: it gets past RFC 6455 to what reads the page's frames. */
function strangeContent(random: Random, listenPort: number): Buffer {
  if (random.chance(0.1)) return encodeClientFrame(opcodes.binary, random.bytes(random.below(40)));
  if (random.chance(0.2)) return encodeClientFrame(opcodes.binary, mutate(likelyByteFrame(random), random));
  const text = mutate(Buffer.from(likelyText(random, listenPort)), random);
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

function likelyText(random: Random, listenPort: number): string {
  const id = random.pick<unknown>([1, 2, 3, 0, -1, streamIdMax, 4_294_967_296, 1.5, "1", null, {}]);
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
  const bytes = { bytes: random.pick(["YnJpY2sK", "?", "A", "", word]) };
  const step = random.pick<unknown>([
    { afterMs: 0, bytes: 6 },
    { afterMs: 1, bytes: 3 },
    { afterMs: 0, do: "reset" },
    {},
  ]);
  const frames: readonly unknown[] = [
    { type: "request", id, user: word },
    { type: "request", id, user: "brick", operation: random.pick([2, 4, -1, 1e300, "2"]), arguments: [word] },
    { type: "request", id, user: "brick", arguments: word },
    {
      type: "connect",
      id,
      target: random.pick(["wirebook", "it", "", word]),
      ...bytes,
      end: random.pick([true, false, 1]),
    },
    {
      type: "connect",
      id,
      target: "it",
      ...bytes,
      end: false,
      schedule: random.pick<unknown>([[], [step], [step, step], word]),
    },
    {
      type: "connect",
      id,
      target: "it",
      ...bytes,
      end: false,
      read: { afterMs: 0, bytes: random.pick([1, 0, 1e9]), everyMs: 0 },
    },
    { type: random.pick(["end", "cancel", "reset"]), id },
    { type: "watch", from: random.pick<unknown>([undefined, { epoch: word, position: id }, word]) },
    { type: "watch", presentation: word },
    { type: random.pick(["unwatch", "present", "unpresent"]), key: random.pick<unknown>([undefined, word]) },
    {
      type: "set-faults",
      port: random.pick<unknown>([listenPort, 65_536, word]),
      faults: random.pick<unknown>([{ latencyMs: id, isStalled: true }, { sliceBytes: 1 }, word]),
    },
    { type: "show", id, stream: { target: random.pick<unknown>([shownTarget, word]), at: {} } },
    { type: "shown", id, outcome: { reason: random.pick<unknown>(["fin", word]) }, at: {}, sentBytes: id },
    { type: "select", id },
    { type: "clock", at: random.pick([1, Number.MAX_VALUE, "x", null]) },
    { type: word, id },
    { ["__proto__"]: { type: "request" }, id, constructor: word },
    [word, id],
    word,
  ];
  return JSON.stringify(random.pick(frames));
}

function likelyByteFrame(random: Random): Buffer {
  const kind = random.pick(["data", "data", "written", "fin", "rst"] as const);
  const [isFromTarget, isAfterGap] = [random.chance(0.2), random.chance(0.2)];
  const id = random.pick([1, 2, 3, 0, streamIdMax, 0xffff_ffff]);
  const atMs = random.pick([0, 0, -1, Number.NaN, Infinity]);
  const header = {
    kind,
    leg: random.pick(["target", "client"] as const),
    isFromTarget,
    isAfterGap,
    queuedKiB: 0,
    id,
    atMs,
  };
  const body =
    kind === "written" ? random.below(100) : kind === "data" ? random.bytes(random.below(40)) : new Uint8Array(0);
  return encodeByteFrame(header, body, (length) => Buffer.alloc(length));
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
