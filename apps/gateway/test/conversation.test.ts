import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { expect, test } from "vitest";
import { countsOnly } from "@wirebook/protocol";
import type { PageStream } from "../../../test-support/page-client.ts";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { gatewayLimits } from "../src/limits.ts";
import { eventsOf, openBackend, openFolder, openGateway, openMirror, openMute, openPage } from "./gateway-fixture.ts";
import type { Backend } from "./gateway-fixture.ts";

const mebibyte = 1024 * 1024;
const halfAnHourMs = 30 * 60 * 1000;

/** A server whose connections a test plays itself, in the order in which they come. */
async function openPlayed(): Promise<Backend & { readonly connected: () => Promise<Socket> }> {
  const came: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  const backend = await openBackend((socket) => {
    const wait = waiting.shift();
    if (wait === undefined) came.push(socket);
    else wait(socket);
  });
  return Object.assign(backend, {
    connected: async () => came.shift() ?? (await new Promise<Socket>((resolve) => waiting.push(resolve))),
  });
}

/** The names of a stream's events, in order: `sent 3`, `received 5`, `fin from target`. */
function eventNames({ record }: PageStream): string[] {
  return record.events.map(({ kind, isFromTarget, byteCount }) =>
    kind === "data"
      ? `${isFromTarget ? "received" : "sent"} ${byteCount}`
      : `${kind} ${isFromTarget ? "from" : "to"} target`,
  );
}

test("lives through any silence of both ends", async () => {
  using clock = new HeldClock();
  await using played = await openPlayed();
  await using gateway = await openGateway(played, { limits: { replyTimeoutMs: 1000 } });
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "hello" });
  const socket = await played.connected();
  let came = "";
  socket.on("data", (bytes: Buffer) => (came += bytes.toString()));
  await stream.opened;
  const [end] = gateway.app.websocketServer.clients as Set<EventEmitter>;
  for (let passedMs = 0; passedMs < halfAnHourMs; passedMs += gatewayLimits.pingIntervalMs) {
    const ponged = once(end as EventEmitter, "pong");
    clock.pass(gatewayLimits.pingIntervalMs);
    await ponged;
  }
  socket.write("still there");
  expect(String(await stream.received(11))).toBe("still there");
  await stream.send(" and here");
  await expect.poll(() => came).toBe("hello and here");
  expect(stream.last).toBeUndefined();
});

test("gives bytes of both ways with the time of each, in the order in which they went", async () => {
  await using played = await openPlayed();
  await using gateway = await openGateway(played);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "one" });
  const socket = await played.connected();
  socket.setEncoding("utf8");
  for (let turn = 0; turn < 50; turn += 1) {
    await once(socket, "data");
    socket.write(`reply ${turn % 10}`);
    await stream.received((turn + 1) * 7);
    await stream.send("more");
  }
  stream.end();
  await once(socket, "end");
  socket.end();
  const { last, record } = await stream.ended;
  const turns = Array.from({ length: 50 }, () => ["received 7", "sent 4"]).flat();
  expect(eventNames(stream).filter((name) => !name.startsWith("fin"))).toEqual(["sent 3", ...turns]);
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 203, receivedBytes: 350 });
  const { established, ended, fin, closed } = last.at;
  const times = [established, ...record.events.map(({ atMs }) => atMs), fin, closed].map(Number);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(ended).toBe(record.events.find(({ kind, isFromTarget }) => kind === "fin" && !isFromTarget)?.atMs);
});

test("is read to the target's FIN after the page's", async () => {
  await using played = await openPlayed();
  await using gateway = await openGateway(played);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "question", isEnded: true });
  const socket = await played.connected();
  socket.resume();
  await once(socket, "end");
  await stream.until(() => (eventNames(stream).includes("fin to target") ? true : undefined));
  socket.write("an answer ");
  await stream.received(10);
  socket.end("in two parts");
  const { text, last } = await stream.ended;
  expect(text).toBe("an answer in two parts");
  expect(last).toMatchObject({ type: "end", reason: "fin" });
  expect(last.at.fin).toBeGreaterThanOrEqual(Number(last.at.ended));
  expect(eventNames(stream).filter((name) => name.startsWith("fin"))).toEqual(["fin to target"]);
});

test("stays half-open after the target's FIN, until the page ends it", async () => {
  await using played = await openPlayed();
  await using gateway = await openGateway(played);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "1" });
  const socket = await played.connected();
  socket.end("bye");
  await stream.until(() => (eventNames(stream).includes("fin from target") ? true : undefined));
  await stream.send("23");
  await stream.send("45");
  stream.end();
  let came = "";
  for await (const chunk of socket) came += String(chunk);
  expect(came).toBe("12345");
  const { last } = await stream.ended;
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 5, receivedBytes: 3 });
  expect(Number(last.at.fin)).toBeLessThanOrEqual(Number(last.at.ended));
});

test("is half-open for no longer than its bound, however busy the page is", async () => {
  using clock = new HeldClock();
  await using played = await openPlayed();
  await using gateway = await openGateway(played, { limits: { halfOpenMs: 5000 } });
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook");
  const socket = await played.connected();
  socket.resume().end();
  await stream.until(() => (eventNames(stream).includes("fin from target") ? true : undefined));
  for (let passed = 0; passed < 4; passed += 1) {
    await stream.send("x");
    await stream.until(({ record }) => (record.sentBytes > passed ? true : undefined));
    clock.pass(1249);
  }
  expect(stream.last).toBeUndefined();
  clock.pass(4);
  const { last } = await stream.ended;
  expect(last.at.closed).toBeGreaterThan(0);
  await expect.poll(() => played.sockets.size).toBe(0);
  // Its connection is free for others.
  expect(eventsOf(gateway, "internal-error")).toEqual([]);
});

test("resets: the target sees RST, and the page the reason", async () => {
  const { promise: broken, resolve } = Promise.withResolvers<unknown>();
  await using backend = await openBackend((socket) => socket.on("error", resolve).on("end", resolve).write("hello"));
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "x" });
  await stream.received(5);
  stream.reset();
  expect((await stream.ended).last).toMatchObject({ type: "end", reason: "reset", receivedBytes: 5 });
  expect(await broken).toMatchObject({ code: "ECONNRESET" });
});

test("resets a stream that waits for a connection", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute, { config: { connections: 1 } });
  await using page = await openPage(gateway);
  page.connect("wirebook", { bytes: "x" });
  const waiting = page.connect("wirebook", { bytes: "y" });
  waiting.reset();
  expect((await waiting.ended).last).toMatchObject({ type: "end", reason: "reset", sentBytes: 0 });
});

test("refuses to reset a stream over a Unix socket, which goes on", async () => {
  await using folder = await openFolder();
  await using mirror = await openMirror(`${folder.path}/socket`);
  await using gateway = await openGateway(mirror);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "one" });
  await stream.received(3);
  stream.reset();
  const { id, hop, message } = await page.error("reset-impossible");
  expect([id, hop]).toEqual([null, "gateway"]);
  expect(message).toContain("Unix socket");
  await stream.send("two");
  stream.end();
  expect((await stream.ended).text).toBe("onetwo");
});

test("cancels: the connection is broken off and the page is told", async () => {
  const { promise: broken, resolve } = Promise.withResolvers<unknown>();
  await using backend = await openBackend((socket) => socket.on("error", resolve).on("end", resolve).write("hello"));
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "x" });
  await stream.received(5);
  stream.cancel();
  expect((await stream.ended).last).toMatchObject({ type: "end", reason: "cancelled", receivedBytes: 5 });
  expect(await broken).toMatchObject({ code: "ECONNRESET" });
});

test("tells that the target reset it, behind the bytes that had come", async () => {
  await using played = await openPlayed();
  await using gateway = await openGateway(played);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "x" });
  const socket = await played.connected();
  socket.write("a part");
  await stream.received(6);
  socket.resetAndDestroy();
  const { last, text } = await stream.ended;
  expect(text).toBe("a part");
  expect(last).toMatchObject({ code: "connection-reset", hop: "gateway-server", sentBytes: 1, receivedBytes: 6 });
});

test("ends with its page, and the target is told", async () => {
  const { promise: broken, resolve } = Promise.withResolvers<unknown>();
  await using backend = await openBackend((socket) => socket.on("error", resolve).on("end", resolve).write("hello"));
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  await page.connect("wirebook").received(5);
  page.socket.terminate();
  expect(await broken).toMatchObject({ code: "ECONNRESET" });
  await expect.poll(() => eventsOf(gateway, "stream")).toMatchObject([{ outcome: "cancelled", receivedBytes: 5 }]);
});

test.each<[how: string, leave: (socket: WebSocket) => void]>([
  ["goes", (socket) => socket.terminate()],
  // As the kernel does when a process ends that has not read all it got.
  ["breaks off", (socket) => (Reflect.get(socket, "_socket") as Socket).resetAndDestroy()],
])("leaves a target that does not read when its page %s", async (_how, leave) => {
  await using backend = await openBackend((socket) => socket.pause());
  await using gateway = await openGateway(backend, { limits: { unsentBytesMax: 1024, pingIntervalMs: 50 } });
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", {}, { bounds: countsOnly });
  const [end] = gateway.app.websocketServer.clients;
  const sending = stream.send(Buffer.alloc(64 * mebibyte));
  await expect.poll(() => end?.isPaused).toBe(true);
  leave(page.socket);
  await sending;
  await expect.poll(() => gateway.app.websocketServer.clients.size).toBe(0);
  await expect.poll(() => eventsOf(gateway, "stream")).toMatchObject([{ outcome: "cancelled" }]);
});

/** Sends the same bytes again and again; resolves with the digest of them all. */
async function sendMany(send: (bytes: Buffer) => Promise<unknown>, byteCount: number): Promise<string> {
  const hash = createHash("sha256");
  const piece = randomBytes(mebibyte);
  for (let sent = 0; sent < byteCount; sent += piece.length) {
    hash.update(piece);
    await send(piece);
  }
  return hash.digest("hex");
}

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}

test("carries 16 MiB each way at once, with the same digests", async () => {
  const byteCount = 16 * mebibyte;
  await using played = await openPlayed();
  await using gateway = await openGateway(played);
  await using page = await openPage(gateway);
  const toPage = createHash("sha256");
  const toTarget = createHash("sha256");
  const stream = page.connect("wirebook", {}, { bounds: countsOnly, onRead: (bytes) => toPage.update(bytes) });
  const socket = await played.connected();
  socket.on("data", (bytes: Buffer) => toTarget.update(bytes));
  const [up, down] = await Promise.all([
    sendMany((bytes) => stream.send(bytes), byteCount),
    sendMany((bytes) => write(socket, bytes), byteCount),
  ]);
  stream.end();
  await once(socket, "end");
  socket.end();
  const { last } = await stream.ended;
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: byteCount, receivedBytes: byteCount });
  expect([toTarget.digest("hex"), toPage.digest("hex")]).toEqual([up, down]);
}, 60_000);

test("a page that stalls holds its target back, within the bounds", async () => {
  await using played = await openPlayed();
  await using gateway = await openGateway(played);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", {}, { bounds: countsOnly });
  const socket = await played.connected();
  await stream.opened;
  const [end] = gateway.app.websocketServer.clients;
  let most = 0;
  page.socket.pause();
  const sending = sendMany(async (bytes) => {
    most = Math.max(most, end?.bufferedAmount ?? 0);
    await write(socket, bytes);
  }, 64 * mebibyte);
  // The kernel's buffers on both hops are full when nothing more is taken; the rest waits in the target.
  await expect
    .poll(
      async () => {
        const before = socket.bytesWritten - socket.writableLength;
        most = Math.max(most, end?.bufferedAmount ?? 0);
        await fetch(`http://${gateway.host}/healthz`);
        return before > 0 && before === socket.bytesWritten - socket.writableLength;
      },
      { timeout: 30_000 },
    )
    .toBe(true);
  expect(stream.record.receivedBytes).toBeLessThan(60 * mebibyte);
  expect(most).toBeLessThan(gatewayLimits.highWaterBytes + 256 * 1024);
  page.socket.resume();
  await sending;
  await stream.received(64 * mebibyte);
}, 60_000);

test("a target that stalls holds its page back, within the bounds", async () => {
  await using played = await openPlayed();
  await using gateway = await openGateway(played);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", {}, { bounds: countsOnly });
  const socket = await played.connected();
  await stream.opened;
  const [end] = gateway.app.websocketServer.clients;
  const sending = sendMany((bytes) => stream.send(bytes), 64 * mebibyte);
  await expect.poll(() => end?.isPaused, { timeout: 30_000 }).toBe(true);
  const hash = createHash("sha256");
  socket.on("data", (bytes: Buffer) => hash.update(bytes));
  const digest = await sending;
  stream.end();
  await once(socket, "end");
  expect(hash.digest("hex")).toBe(digest);
}, 60_000);

test("a follow, conversations and exchanges of many pages get their connections in turn", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute, { config: { connections: 8 } });
  await using greedy = await openPage(gateway);
  const kept = Array.from({ length: 20 }, () => greedy.connect("wirebook"));
  await Promise.all(kept.slice(0, 2).map(({ opened }) => opened));
  await using other = await openPage(gateway);
  const [follow, exchange, conversation] = [
    other.request("brick", ["5"]),
    other.request("brick"),
    other.connect("wirebook"),
  ];
  await Promise.all([follow.opened, exchange.opened]);
  // Two are the share of a page here; what the first page has beyond them waits, as the third of the other page does.
  expect(kept.filter(({ open }) => open !== undefined)).toHaveLength(2);
  expect(conversation.open).toBeUndefined();
  follow.cancel();
  await conversation.opened;
  kept[0]?.cancel();
  await kept[2]?.opened;
});
