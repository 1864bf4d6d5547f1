import { expect, test } from "vitest";
import { openPage } from "./page-client.ts";
import { eventsOf, openBackend, openEcho, openGateway } from "./gateway-fixture.ts";

test("uses an id again once its exchange has ended", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo.target);
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
  // The books are made a turn later.
  await expect
    .poll(() => eventsOf(gateway, "exchange"))
    .toMatchObject([{ id: 1, outcome: "cancelled", receivedBytes: 9 }]);
});
