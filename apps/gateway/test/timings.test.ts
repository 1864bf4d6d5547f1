import { expect, test } from "vitest";
import { openPage } from "./page-client.ts";
import { closedPort, openBackend, openEcho, openGateway } from "./gateway-fixture.ts";

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
  expect(writes[0]?.[0]).toBeLessThanOrEqual(Number(at.written));
  expect(frames).toHaveLength(4);
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
