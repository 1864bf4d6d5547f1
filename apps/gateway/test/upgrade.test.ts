import { expect, test } from "vitest";
import { closedPort, openGateway, openPage } from "./gateway-fixture.ts";

test("survives a WebSocket that breaks its protocol, and goes on serving other pages", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  await page.frame("hello");
  page.socket.send("x".repeat(2_000_000));
  expect(await page.closing).toMatchObject({ code: 1009 });
  await using next = await openPage(gateway);
  await next.frame("hello");
});
