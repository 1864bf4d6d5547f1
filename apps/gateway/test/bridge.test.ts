import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { encodeFrame, subprotocol } from "@wirebook/protocol";
import { openPage } from "./page.ts";
import { closedPort, eventsOf, openBackend, openEcho, openGateway } from "./rig.ts";

test("greets a page with its limits and the name of the server", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target, { config: { serverConnections: 3 } });
  await using page = await openPage(gateway);
  const hello = await page.frame("hello");
  expect(hello).toEqual({
    type: "hello",
    version: "0.1.0",
    server: `127.0.0.1:${echo.target.port}`,
    exchangesMax: 1024,
    serverConnectionsMax: 3,
    socket: 1,
    proxyHeaderBytes: 0,
  });
  expect(page.socket.protocol).toBe(subprotocol);
  expect(page.socket.extensions).toBe("");
});

test("sends a request as one line and gives back what the server said, with addresses, sizes and times", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
  await using page = await openPage(gateway);
  const answer = await page.ask({ type: "request", id: 7, user: "brick", operation: 2, arguments: [-100, "x"] });
  expect(answer.text).toBe("echo brick 2 -100 x\n");
  expect(answer.open).toMatchObject({ id: 7, remote: { address: "127.0.0.1", port: echo.target.port } });
  expect(answer.open?.local.port).toBeGreaterThan(0);
  expect(answer.last).toMatchObject({
    type: "end",
    id: 7,
    reason: "fin",
    sentBytes: 15,
    receivedBytes: 20,
    writes: [[expect.any(Number), 15]],
    untimedWrites: 0,
    untimedChunks: 0,
    untimedFrames: 0,
  });
});

test("times every step in the order in which it happened, on one clock", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
  await using page = await openPage(gateway);
  const beforeMs = performance.now();
  const { open, last } = await page.ask({ type: "request", id: 1, user: "brick" });
  const afterMs = performance.now();
  const { at } = last;
  const order = [beforeMs, at.received, at.connecting, at.established, at.firstByte, at.fin, at.closed, afterMs];
  expect(order).toEqual(order.map(Number).toSorted((a, b) => a - b));
  expect(at.written).toBeGreaterThanOrEqual(Number(at.established));
  expect(open?.at).toMatchObject({ received: at.received, connecting: at.connecting, established: at.established });
  expect(open?.at.closed).toBeUndefined();
});

test("times every write, every chunk and every frame to the page, on the same clock", async () => {
  await using backend = await openBackend((socket) => socket.on("data", (data) => socket.write(data)));
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "raw", id: 1, bytes: btoa("one\n"), end: false });
  await page.bytes(1, 4);
  page.sendBytes(1, Buffer.from("number two\n"));
  await page.bytes(1, 15);
  page.send({ type: "cancel", id: 1 });
  const { last } = await page.answer(1);
  const { writes = [], chunks = [], frames = [], at } = last;
  expect(writes.map(([, bytes]) => bytes)).toEqual([4, 11]);
  expect(chunks.map(([, bytes]) => bytes)).toEqual([4, 11]);
  const [opened, first, second, end] = frames.map(([atMs]) => atMs);
  const order = [at.established, opened, chunks[0]?.[0], first, writes[1]?.[0], chunks[1]?.[0], second, at.closed, end];
  expect(order.map(Number)).toEqual(order.map(Number).toSorted((a, b) => a - b));
  expect(writes[0]?.[0]).toBeCloseTo(Number(at.written), 0);
  expect(frames).toHaveLength(4);
});

test("keeps the boundaries: each read from TCP is one binary frame", async () => {
  const waves = ["first", "second, a little longer", "3", "x".repeat(5000)];
  const { promise: asked, resolve } = Promise.withResolvers<Socket>();
  await using backend = await openBackend((socket) => socket.once("data", () => resolve(socket)));
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "request", id: 1, user: "brick" });
  const socket = await asked;
  let count = 0;
  for (const wave of waves) {
    count += wave.length;
    socket.write(wave);
    await page.bytes(1, count);
  }
  socket.end();
  const { chunks, last } = await page.answer(1);
  expect(chunks.map(String)).toEqual(waves);
  expect(last).toMatchObject({ chunks: waves.map((wave) => [expect.any(Number), wave.length]) });
});

test("carries bytes of every value unchanged", async () => {
  const reply = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256));
  await using backend = await openBackend((socket) => socket.once("data", () => socket.end(reply)));
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  const { chunks, last } = await page.ask({ type: "request", id: 0xffff_ffff, user: "brick" });
  expect(Buffer.concat(chunks).equals(reply)).toBe(true);
  expect(last).toMatchObject({
    receivedBytes: reply.length,
    chunks: chunks.map((chunk) => [expect.any(Number), chunk.length]),
  });
});

test("carries 500 exchanges at once on one WebSocket, each with its own answer", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target, { config: { serverConnections: 64 } });
  await using page = await openPage(gateway);
  const ids = Array.from({ length: 500 }, (_, at) => at + 1);
  const answers = await Promise.all(ids.map((id) => page.ask({ type: "request", id, user: `user${id}` })));
  expect(answers.map(({ text }) => text)).toEqual(ids.map((id) => `echo user${id}\n`));
  expect(answers.every(({ last }) => last.type === "end")).toBe(true);
  expect(echo.peakCount).toBeLessThanOrEqual(64);
  expect(echo.acceptedCount).toBe(500);
});

test("uses an id again once its exchange has ended", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
  await using page = await openPage(gateway);
  expect((await page.ask({ type: "request", id: 1, user: "first" })).text).toBe("echo first\n");
  expect((await page.ask({ type: "request", id: 1, user: "second" })).text).toBe("echo second\n");
});

test("answers a clock frame with its own monotonic time", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  const beforeMs = performance.now();
  page.send({ type: "clock", at: 12.5 });
  const { at, gatewayAt } = await page.frame("clock");
  expect(at).toBe(12.5);
  expect(gatewayAt).toBeGreaterThanOrEqual(beforeMs);
  expect(gatewayAt).toBeLessThanOrEqual(performance.now());
});

test("cancels an exchange: the TCP connection is broken off and the page is told", async () => {
  const { promise: broken, resolve } = Promise.withResolvers<unknown>();
  await using backend = await openBackend((socket) => {
    socket.on("error", resolve).on("end", resolve);
    socket.once("data", () => socket.write("the beginning"));
  });
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "request", id: 3, user: "brick", operation: 5 });
  await page.bytes(3, 13);
  page.send({ type: "cancel", id: 3 });
  const { last } = await page.answer(3);
  expect(last).toMatchObject({ type: "end", reason: "cancelled", receivedBytes: 13 });
  expect(last.at.fin).toBeUndefined();
  expect(last.at.closed).toBeGreaterThan(0);
  expect(await broken).toMatchObject({ code: "ECONNRESET" });
});

test("lets a cancel and bytes pass that crossed the end of their exchange on the way", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
  await using page = await openPage(gateway);
  await page.ask({ type: "raw", id: 1, bytes: btoa("a\n"), end: false });
  page.send({ type: "cancel", id: 1 });
  page.send({ type: "end", id: 1 });
  page.sendBytes(1, Buffer.from("late"));
  page.send({ type: "clock", at: 1 });
  await page.frame("clock");
  expect(page.framesOf("error")).toEqual([]);
});

test("ends the exchanges of a page that goes away", async () => {
  const { promise: broken, resolve } = Promise.withResolvers<unknown>();
  await using backend = await openBackend((socket) => {
    socket.on("error", resolve).on("end", resolve);
    socket.once("data", () => socket.write("following"));
  });
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "request", id: 1, user: "brick", operation: 5 });
  await page.bytes(1, 9);
  page.socket.close();
  expect(await broken).toMatchObject({ code: "ECONNRESET" });
  expect(eventsOf(gateway, "exchange")).toMatchObject([{ id: 1, outcome: "cancelled", receivedBytes: 9 }]);
});

test("refuses a request that is not one line, and says which word it is", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
  await using page = await openPage(gateway);
  const frames = [
    { type: "request", id: 1, user: "brick\nbrick 3" },
    { type: "request", id: 2, user: "brick", operation: 1, arguments: ["1\r\nbrick 3"] },
    { type: "request", id: 3, user: "brick 3" },
    { type: "request", id: 4, user: "brick", arguments: [3] },
    { type: "request", id: 5, user: "x".repeat(2048), operation: 2 },
    { type: "request", id: 6, user: "\ud800" },
  ] as const;
  for (const frame of frames) {
    const { last } = await page.ask(frame as Parameters<typeof page.ask>[0]);
    expect(last).toMatchObject({ type: "error", id: frame.id, code: "message-invalid", hop: "gateway" });
  }
  expect((await page.answer(1)).last).toMatchObject({ message: expect.stringContaining(String.raw`"brick\nbrick 3"`) });
  expect((await page.answer(5)).last).toMatchObject({ message: expect.stringContaining("2048") });
  expect(echo.acceptedCount).toBe(0);
});

test("says what is wrong with a frame that fits nowhere, and goes on", async () => {
  await using backend = await openBackend((socket) => socket.resume());
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "request", id: 1, user: "brick", operation: 5 });
  await page.frame("open");
  const wrong: [frame: string | Buffer, code: string, sentence: string][] = [
    ["no JSON", "frame-invalid", "JSON object"],
    [encodeFrame({ type: "cancel", id: 0 }), "frame-invalid", "id"],
    [`{"type":"request","id":2,"user":"brick","extra":1}`, "frame-invalid", "docs/gateway-frames.md"],
    [encodeFrame({ type: "cancel", id: 99 }), "id-unknown", "no exchange 99"],
    [encodeFrame({ type: "end", id: 99 }), "id-unknown", "no exchange 99"],
    [Buffer.from([0, 0, 0, 99, 1]), "id-unknown", "no exchange 99"],
    [Buffer.from([0, 0, 1]), "frame-invalid", "3 bytes"],
    [encodeFrame({ type: "request", id: 1, user: "brick" }), "id-in-use", "exchange 1"],
    [Buffer.from([0, 0, 0, 1, 65]), "frame-invalid", "is a request"],
    [encodeFrame({ type: "end", id: 1 }), "frame-invalid", "is a request"],
  ];
  for (const [frame] of wrong) page.socket.send(frame);
  await page.until(() => (page.framesOf("error").length === wrong.length ? true : undefined));
  const errors = page.framesOf("error");
  expect(errors.map(({ code }) => code)).toEqual(wrong.map(([, code]) => code));
  for (const [at, [, , sentence]] of wrong.entries()) expect(errors[at]?.message).toContain(sentence);
  expect(errors.every(({ id, hop }) => id === null && hop === "page-gateway")).toBe(true);
  page.send({ type: "cancel", id: 1 });
  expect((await page.answer(1)).last).toMatchObject({ type: "end", reason: "cancelled" });
});

test("logs one line an exchange, without the key of its user and without raw bytes", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
  await using page = await openPage(gateway);
  await page.ask({ type: "request", id: 1, user: "otter~0123secret", operation: 2 });
  await page.ask({ type: "raw", id: 2, bytes: btoa("otter~0123secret 2\n"), end: true });
  page.send({ type: "request", id: 3, user: "otter~0123secret x" });
  await page.error("message-invalid");
  expect(eventsOf(gateway, "exchange")).toMatchObject([
    { id: 1, message: "otter 2", outcome: "fin", sentBytes: 19, receivedBytes: 24, ms: expect.any(Number) },
    { id: 2, message: "19 raw bytes", outcome: "fin" },
  ]);
  expect(gateway.log.join("")).not.toContain("secret");
});
