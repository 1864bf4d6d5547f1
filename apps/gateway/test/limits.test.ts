import { createConnection } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { encodeFrame, pageFrameBytesMax } from "@wirebook/protocol";
import { openPage, refusedPage } from "./page.ts";
import type { Closing, FrameOf } from "./page.ts";
import { closedPort, eventsOf, openEcho, openGateway, openMute } from "./rig.ts";
import type { Gateway } from "./rig.ts";

test("takes a frame of 16384 bytes and closes on one byte more", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  const clock = encodeFrame({ type: "clock", at: 1 });
  page.socket.send(clock.padEnd(pageFrameBytesMax));
  await page.frame("clock");
  page.socket.send(clock.padEnd(pageFrameBytesMax + 1));
  expect(await page.closing).toMatchObject({ code: 1009 });
});

test("takes a message of 64 fragments and closes on one more", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  const send = (fragments: number): void => {
    page.socket.send(encodeFrame({ type: "clock", at: fragments }), { fin: false });
    for (let at = 2; at < fragments; at++) page.socket.send(" ", { fin: false });
    page.socket.send(" ", { fin: true });
  };
  send(64);
  await page.frame("clock");
  send(65);
  expect(await page.closing).toMatchObject({ code: 1008 });
});

test("closes on a page that sends frames faster than the rate, and says so", async () => {
  await using gateway = await openGateway(await closedPort(), {
    limits: { frameBurstMax: 5, framesPerSecondMax: 0.001 },
  });
  await using page = await openPage(gateway);
  for (let at = 1; at <= 6; at++) page.send({ type: "clock", at });
  const { code, reason } = await page.closing;
  expect(page.framesOf("clock").length).toBe(5);
  expect(page.framesOf("error")).toMatchObject([{ id: null, code: "frame-rate", hop: "page-gateway" }]);
  expect(code).toBe(1008);
  expect(reason).toMatch(/^frame-rate: /);
});

test("counts pings as frames", async () => {
  await using gateway = await openGateway(await closedPort(), {
    limits: { frameBurstMax: 3, framesPerSecondMax: 0.001 },
  });
  await using page = await openPage(gateway);
  let pongs = 0;
  page.socket.on("pong", () => (pongs += 1));
  for (let at = 1; at <= 4; at++) page.socket.ping();
  expect(await page.closing).toMatchObject({ code: 1008 });
  expect(pongs).toBe(3);
});

test("closes on a page that goes on with nonsense, after 16 errors, and says so", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  for (let at = 1; at <= 30; at++) page.socket.send("nonsense");
  const { code, reason } = await page.closing;
  expect(page.framesOf("error").length).toBe(17);
  expect(code).toBe(1008);
  expect(reason).toMatch(/^frame-invalid: /);
});

test("never closes on a user's mistakes", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  for (let id = 1; id <= 100; id++) page.send({ type: "request", id, user: "two words" });
  expect((await page.answer(100)).last).toMatchObject({ code: "message-invalid" });
  page.send({ type: "clock", at: 1 });
  await page.frame("clock");
});

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

/** Connects a page for which there is no room, and waits for what it is told. */
async function turnedAway(gateway: Gateway): Promise<{ error: FrameOf<"error">; closing: Closing; greeted: boolean }> {
  await using page = await openPage(gateway);
  const [error, closing] = await Promise.all([page.error("too-many-websockets"), page.closing]);
  return { error, closing, greeted: page.framesOf("hello").length > 0 };
}

test("tells a WebSocket beyond the total why and when to come back, and takes one again when another has gone", async () => {
  await using gateway = await openGateway(await closedPort(), { limits: { webSocketsMax: 2 } });
  await using first = await openPage(gateway);
  await using second = await openPage(gateway);
  const { error, closing, greeted } = await turnedAway(gateway);
  expect(error).toMatchObject({ id: null, hop: "gateway", retryAfterMs: 10_000 });
  expect(error.message).toContain("all 2 WebSockets");
  expect(closing).toMatchObject({
    code: 1013,
    reason: expect.stringMatching(/^too-many-websockets: all 2 WebSockets/),
  });
  expect(greeted).toBe(false);
  expect(eventsOf(gateway, "refused")).toMatchObject([{ address: "127.0.0.1", status: 1013 }]);
  first.socket.close();
  await first.closing;
  await expect.poll(() => gateway.app.websocketServer.clients.size).toBe(1);
  await using third = await openPage(gateway);
  await third.frame("hello");
  expect(second.socket.readyState).toBe(second.socket.OPEN);
});

test("tells a WebSocket beyond those of one address so", async () => {
  await using gateway = await openGateway(await closedPort(), { limits: { webSocketsPerAddressMax: 1 } });
  await using page = await openPage(gateway);
  const { closing } = await turnedAway(gateway);
  expect(closing).toMatchObject({ code: 1013, reason: expect.stringContaining("open from 127.0.0.1") });
  page.socket.close();
  await page.closing;
  await expect.poll(() => gateway.app.websocketServer.clients.size).toBe(0);
  await using next = await openPage(gateway);
  await next.frame("hello");
});

test("looks at nothing that a WebSocket sends which is turned away, and refuses the upgrade when too many are", async () => {
  await using echo = await openEcho();
  const limits = { webSocketsMax: 1, refusalsMax: 1, closeTimeoutMs: 60_000 };
  await using gateway = await openGateway(echo.target, { limits });
  await using page = await openPage(gateway);
  // One that does not answer the close frame stays until its time is up, or until it goes.
  await using stubborn = await openPage(gateway);
  stubborn.socket.pause();
  stubborn.send({ type: "request", id: 1, user: "brick" });
  const [status, sentence] = await refusedPage(gateway);
  expect([status, sentence]).toEqual([503, expect.stringContaining("turned away")]);
  expect((await page.ask({ type: "request", id: 1, user: "brick" })).text).toBe("echo brick\n");
  expect(echo.acceptedCount).toBe(1);
  stubborn.socket.terminate();
  await expect.poll(() => gateway.app.websocketServer.clients.size).toBe(1);
  expect((await turnedAway(gateway)).closing.code).toBe(1013);
});

test("closes connections beyond the total", async () => {
  await using gateway = await openGateway(await closedPort(), { limits: { connectionsMax: 1 } });
  await using page = await openPage(gateway);
  const extra = createConnection(gateway.port, "127.0.0.1");
  extra.on("error", () => undefined);
  extra.resume();
  await once(extra, "close");
  expect(page.socket.readyState).toBe(page.socket.OPEN);
  expect(eventsOf(gateway, "closed")).toMatchObject([{ address: "127.0.0.1", reason: "connections" }]);
});

test("closes connections beyond those of one address, of which a trusted reverse proxy may have more", async () => {
  const limits = { connectionsPerAddressMax: 1 };
  const config = { trustedProxies: ["127.0.0.9"] };
  await using gateway = await openGateway(await closedPort(), { limits, config });
  await using page = await openPage(gateway);
  await page.frame("hello");
  const extra = createConnection(gateway.port, "127.0.0.1");
  extra.on("error", () => undefined);
  extra.resume();
  await once(extra, "close");
  expect(eventsOf(gateway, "closed")).toMatchObject([{ address: "127.0.0.1", reason: "connections-per-address" }]);
  await using other = await openPage(gateway, { localAddress: "127.0.0.2" });
  await using first = await openPage(gateway, { localAddress: "127.0.0.9" });
  await using second = await openPage(gateway, { localAddress: "127.0.0.9" });
  await Promise.all([other, first, second].map((each) => each.frame("hello")));
  page.socket.close();
  await page.closing;
  await expect.poll(() => gateway.app.websocketServer.clients.size).toBe(3);
  await using next = await openPage(gateway);
  await next.frame("hello");
});
