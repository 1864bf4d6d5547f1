import { expect, test } from "vitest";
import { openPage } from "./page-client.ts";
import { openEcho, openGateway, openMute } from "./gateway-fixture.ts";

test("carries as many exchanges at once as it says, and not one more", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute.target, { limits: { exchangesMax: 3 } });
  await using page = await openPage(gateway);
  expect(await page.frame("hello")).toMatchObject({ exchangesMax: 3 });
  for (const id of [1, 2, 3]) page.send({ type: "request", id, user: "brick", operation: 5 });
  const { last } = await page.ask({ type: "request", id: 4, user: "brick" });
  expect(last).toMatchObject({
    code: "too-many-exchanges",
    hop: "gateway",
    message: expect.stringContaining("3 exchanges"),
  });
  page.send({ type: "cancel", id: 1 });
  await page.answer(1);
  page.send({ type: "request", id: 4, user: "brick", operation: 5 });
  await page.frame("open", ({ id }) => id === 4);
});

test("opens as many connections to the server as it may, and lets the rest wait their turn", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target, { config: { serverConnections: 1 } });
  await using first = await openPage(gateway);
  await using second = await openPage(gateway);
  const asked = [first, second].flatMap((page) =>
    [1, 2, 3, 4, 5].map((id) => page.ask({ type: "request", id, user: `user${id}` })),
  );
  for (const { last } of await Promise.all(asked)) expect(last.type).toBe("end");
  expect(echo.peakCount).toBe(1);
  expect(echo.acceptedCount).toBe(10);
});

test("lets a page that reads nothing, and asks for all it can, keep no other from the server", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute.target, { config: { serverConnections: 8 } });
  await using greedy = await openPage(gateway);
  for (let id = 1; id <= 100; id++) greedy.send({ type: "request", id, user: "brick", operation: 5 });
  for (const id of [1, 2]) await greedy.frame("open", (frame) => frame.id === id);
  await using other = await openPage(gateway);
  other.send({ type: "request", id: 1, user: "brick", operation: 5 });
  await other.frame("open");
  expect(greedy.framesOf("open").map(({ id }) => id)).toEqual([1, 2]);
  greedy.send({ type: "cancel", id: 2 });
  await greedy.frame("open", ({ id }) => id === 3);
});

test("says busy to an exchange that has waited long enough", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute.target, {
    config: { serverConnections: 1 },
    limits: { queueWaitMs: 30 },
  });
  await using page = await openPage(gateway);
  page.send({ type: "request", id: 1, user: "brick", operation: 5 });
  const { last, open } = await page.ask({ type: "request", id: 2, user: "brick" });
  expect(last).toMatchObject({ code: "busy", hop: "gateway", message: expect.stringContaining("30 ms") });
  expect(last).toMatchObject({ retryAfterMs: 1000, sentBytes: 0, writes: [], frames: [[expect.any(Number), 0]] });
  expect(last.at).toEqual({ received: expect.any(Number) });
  expect(open).toBeUndefined();
});

test("says busy at once when the queue is full, and not before", async () => {
  await using mute = await openMute();
  const limits = { queuedExchangesMax: 2 };
  await using gateway = await openGateway(mute.target, { config: { serverConnections: 1 }, limits });
  await using page = await openPage(gateway);
  for (const id of [1, 2, 3]) page.send({ type: "request", id, user: "brick", operation: 5 });
  const { last } = await page.ask({ type: "request", id: 4, user: "brick" });
  expect(last).toMatchObject({ code: "busy", message: expect.stringContaining("2 exchanges wait") });
  expect(page.framesOf("error").length).toBe(1);
});

test("takes an exchange out of the queue that is cancelled there", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute.target, {
    config: { serverConnections: 1 },
    limits: { queuedExchangesMax: 1 },
  });
  await using page = await openPage(gateway);
  for (const id of [1, 2]) page.send({ type: "request", id, user: "brick", operation: 5 });
  page.send({ type: "cancel", id: 2 });
  const { last } = await page.answer(2);
  expect(last).toMatchObject({ type: "end", reason: "cancelled", sentBytes: 0, receivedBytes: 0, chunks: [] });
  page.send({ type: "request", id: 3, user: "brick", operation: 5 });
  page.send({ type: "cancel", id: 1 });
  await page.frame("open", ({ id }) => id === 3);
});
