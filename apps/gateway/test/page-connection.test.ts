import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { subprotocol } from "@wirebook/protocol";
import { openPage } from "./page-client.ts";
import { eventsOf, openBackend, openEcho, openGateway } from "./gateway-fixture.ts";

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
