import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { streamIdMax, subprotocol } from "@wirebook/protocol";
import manifest from "../../../package.json" with { type: "json" };
import { eventsOf, openBackend, openEcho, openGateway, openPage } from "./gateway-fixture.ts";

test("greets a page with its limits, its targets and its clock", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: { connections: 3 } });
  await using page = await openPage(gateway);
  const hello = await page.frame("hello");
  expect(hello).toEqual({
    type: "hello",
    version: manifest.version,
    timeOrigin: performance.timeOrigin,
    targets: [{ name: "wirebook", transport: "tcp", address: `127.0.0.1:${echo.port}`, proxyHeaderBytes: 0 }],
    lessons: [],
    streamsMax: 1024,
    connectionsMax: 3,
    socket: 1,
    user: null,
    role: "operator",
    listening: [],
    mayWatch: true,
  });
  expect(page.socket.protocol).toBe(subprotocol);
  expect(page.socket.extensions).toBe("");
});

test("sends a request as one line and gives back what the server said, with addresses, sizes and times", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
  await using page = await openPage(gateway);
  const answer = await page.ask({ type: "request", id: 7, user: "brick", operation: 2, arguments: [-100, "x"] });
  expect(answer.text).toBe("echo brick 2 -100 x\n");
  expect(answer.open).toMatchObject({ id: 7, remote: { address: "127.0.0.1", port: echo.port } });
  expect(answer.open?.local?.port).toBeGreaterThan(0);
  expect(answer.last).toMatchObject({
    type: "end",
    id: 7,
    reason: "fin",
    sentBytes: 15,
    receivedBytes: 20,
  });
  const { writes, reads } = answer.record;
  expect([writes, reads].map((events) => events.map(({ atMs, byteCount }) => [atMs, byteCount]))).toEqual([
    [[answer.last.at.written, 15]],
    [[answer.last.at.firstByte, 20]],
  ]);
});

test("keeps the boundaries: each read from TCP is one binary frame", async () => {
  const waves = ["first", "second, a little longer", "3", "x".repeat(5000)];
  const { promise: asked, resolve } = Promise.withResolvers<Socket>();
  await using backend = await openBackend((socket) => socket.once("data", () => resolve(socket)));
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.request("brick");
  const socket = await asked;
  let count = 0;
  for (const wave of waves) {
    count += wave.length;
    socket.write(wave);
    await stream.received(count);
  }
  socket.end();
  await stream.ended;
  expect(stream.reads.map(String)).toEqual(waves);
});

test("carries bytes of every value unchanged", async () => {
  const reply = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256));
  await using backend = await openBackend((socket) => socket.once("data", () => socket.end(reply)));
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const { bytes, last } = await page.ask({ type: "request", id: streamIdMax, user: "brick" });
  expect(bytes.equals(reply)).toBe(true);
  expect(last).toMatchObject({ id: streamIdMax, receivedBytes: reply.length });
});

test("carries 500 exchanges at once on one WebSocket, each with its own answer", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: { connections: 64 } });
  await using page = await openPage(gateway);
  const ids = Array.from({ length: 500 }, (_, at) => at + 1);
  const answers = await Promise.all(ids.map((id) => page.ask({ type: "request", id, user: `user${id}` })));
  expect(answers.map(({ text }) => text)).toEqual(ids.map((id) => `echo user${id}\n`));
  expect(answers.every(({ last }) => last.type === "end")).toBe(true);
  expect(echo.peakCount).toBeLessThanOrEqual(64);
  expect(echo.acceptedCount).toBe(500);
});

test("logs one line a stream, without the key of its user and without the bytes of a conversation", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
  await using page = await openPage(gateway);
  await page.ask({ type: "request", id: 1, user: "otter~0123secret", operation: 2 });
  await page.ask({ type: "connect", id: 2, target: "wirebook", bytes: btoa("otter~0123secret 2\n"), end: true });
  page.start({ type: "request", id: 3, user: "otter~0123secret x" });
  await page.error("message-invalid");
  expect(eventsOf(gateway, "stream")).toMatchObject([
    {
      id: 1,
      target: "wirebook",
      message: "otter 2",
      outcome: "fin",
      sentBytes: 19,
      receivedBytes: 24,
      ms: expect.any(Number),
    },
    { id: 2, target: "wirebook", message: "19 bytes", outcome: "fin" },
  ]);
  expect(gateway.log.join("")).not.toContain("secret");
});
