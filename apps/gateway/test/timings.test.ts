import { expect, test } from "vitest";
import { closedPort, openEcho, openGateway, openMirror, openPage } from "./gateway-fixture.ts";

test("times every step in the order in which it happened, on one clock", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
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

test("times every write and every read, on the same clock", async () => {
  await using mirror = await openMirror();
  await using gateway = await openGateway(mirror);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "one\n" });
  await stream.received(4);
  await stream.send("number two\n");
  await stream.received(15);
  stream.cancel();
  const { last, record } = await stream.ended;
  const { writes, reads } = record;
  expect([writes, reads].map((events) => events.map(({ byteCount }) => byteCount))).toEqual([
    [4, 11],
    [4, 11],
  ]);
  const { at } = last;
  const order = [at.established, reads[0]?.atMs, writes[1]?.atMs, reads[1]?.atMs, at.closed].map(Number);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect([writes[0]?.atMs, reads[0]?.atMs]).toEqual([at.written, at.firstByte]);
});

test("says at which time since 1970 its clock read 0", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  expect((await page.frame("hello")).timeOrigin).toBe(performance.timeOrigin);
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
