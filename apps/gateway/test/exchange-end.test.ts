import { expect, test } from "vitest";
import { eventsOf, openBackend, openEcho, openGateway, openPage } from "./gateway-fixture.ts";

test("uses an id again once its exchange has ended", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
  await using page = await openPage(gateway);
  expect((await page.ask({ type: "request", id: 1, user: "first" })).text).toBe("echo first\n");
  expect((await page.ask({ type: "request", id: 1, user: "second" })).text).toBe("echo second\n");
});

test("cancels an exchange: the TCP connection is broken off and the page is told", async () => {
  const { promise: broken, resolve } = Promise.withResolvers<unknown>();
  await using backend = await openBackend((socket) => {
    socket.on("error", resolve).on("end", resolve);
    socket.once("data", () => socket.write("the beginning"));
  });
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.start({ type: "request", id: 3, user: "brick", operation: 5 });
  await stream.received(13);
  stream.cancel();
  const { last } = await stream.ended;
  expect(last).toMatchObject({ type: "end", reason: "cancelled", receivedBytes: 13 });
  expect(last.at.fin).toBeUndefined();
  expect(last.at.closed).toBeGreaterThan(0);
  expect(await broken).toMatchObject({ code: "ECONNRESET" });
});

test("lets a cancel and bytes pass that crossed the end of their stream on the way", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "a\n", isEnded: true });
  await stream.ended;
  stream.cancel();
  stream.reset();
  stream.end();
  await stream.send("late");
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
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.start({ type: "request", id: 1, user: "brick", operation: 5 });
  await stream.received(9);
  page.socket.close();
  expect(await broken).toMatchObject({ code: "ECONNRESET" });
  // The books are made a turn later.
  await expect
    .poll(() => eventsOf(gateway, "stream"))
    .toMatchObject([{ id: 1, outcome: "cancelled", receivedBytes: 9 }]);
});
