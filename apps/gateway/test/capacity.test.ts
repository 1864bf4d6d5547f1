import { createConnection } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { closedPort, eventsOf, openEcho, openGateway, openPage, refusedPage } from "./gateway-fixture.ts";
import type { Closing, FrameOf } from "../../../test-support/page-client.ts";
import type { Gateway } from "./gateway-fixture.ts";

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

test("looks at nothing that a WebSocket sends which is rejected, and refuses the upgrade when too many are", async () => {
  await using echo = await openEcho();
  const limits = { webSocketsMax: 1, refusalsMax: 1, closeTimeoutMs: 60_000 };
  await using gateway = await openGateway(echo, { limits });
  await using page = await openPage(gateway);
  // One that does not answer the close frame stays until its time is up, or until it goes.
  await using stubborn = await openPage(gateway);
  stubborn.socket.pause();
  stubborn.send({ type: "request", id: 1, user: "brick" });
  const [status, message] = await refusedPage(gateway);
  expect([status, message]).toEqual([503, expect.stringContaining("being rejected")]);
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
  const config = { trustProxy: ["127.0.0.9"] };
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
