import { ServerResponse } from "node:http";
import { queryObjects } from "node:v8";
import { expect, test } from "vitest";
import { openPage } from "./page-client.ts";
import { closedPort, openGateway } from "./gateway-fixture.ts";

/** Those that a full collection leaves. */
const responses = (): number => queryObjects(ServerResponse, { format: "count" });

test("keeps nothing of the request by which a page's WebSocket was opened", async () => {
  await using gateway = await openGateway(await closedPort());
  const before = responses();
  await using one = await openPage(gateway);
  await using other = await openPage(gateway);
  await Promise.all([one.frame("hello"), other.frame("hello")]);
  expect(responses() - before).toBe(0);
});

test("survives a WebSocket that breaks its protocol, and goes on serving other pages", async () => {
  await using gateway = await openGateway(await closedPort());
  await using page = await openPage(gateway);
  await page.frame("hello");
  page.socket.send("x".repeat(2_000_000));
  expect(await page.closing).toMatchObject({ code: 1009 });
  await using next = await openPage(gateway);
  await next.frame("hello");
});
