/** What a page sees of connections through a listening port. */

import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { PageClient } from "../../../test-support/page-client.ts";
import type { WatchedFlow } from "../../../test-support/watched-flows.ts";
import { ada, basic, openPasswordGateway } from "./auth-fixture.ts";
import { eventsOf, named, openBackend, openEcho, openGateway, openMirror, openPage } from "./gateway-fixture.ts";
import { exchange, openListening } from "./listening-fixture.ts";
import type { Listening } from "./listening-fixture.ts";

/** What a client of the listening port gets for a message and FIN. */
async function talk({ listenPort }: Listening, message: string): Promise<string> {
  return String(await exchange(listenPort, message));
}

/** Waits for the nth flow to be over. */
function overAt(page: PageClient, index: number): Promise<WatchedFlow> {
  return page.until(() => {
    const flow = page.flows.at(index);
    return flow?.last === undefined ? undefined : flow;
  });
}

test("a page sees what was kept before it came, and what comes then, with both legs", async () => {
  await using echo = await openEcho();
  await using gateway = await openListening(echo.target);
  expect(await talk(gateway, "one\n")).toBe("echo one\n");
  await using page = await openPage(gateway);
  page.send({ type: "watch" });
  const first = await overAt(page, 0);
  expect(first.head).toMatchObject({ via: "listen", port: gateway.listenPort, target: { name: "wirebook" } });
  expect(first.head.at.established).toBeGreaterThan(0);
  expect(first.record).toMatchObject({ sentBytes: 4, receivedBytes: 9 });
  expect(first.record.events.filter(({ kind }) => kind === "data")).toMatchObject([
    { leg: "client", isFromTarget: false, byteCount: 4 },
    { leg: "target", isFromTarget: true, byteCount: 9 },
  ]);
  expect(await talk(gateway, "two\n")).toBe("echo two\n");
  const second = await overAt(page, 1);
  expect(Buffer.from(second.record.writes[0]?.bytes ?? []).toString()).toBe("two\n");
  expect(page.flows.position).toBeGreaterThan(8);
});

test("a page that comes back goes on where it was, and gets no frame twice", async () => {
  await using mirror = await openMirror();
  await using gateway = await openListening(named("mirror", mirror));
  await using before = await openPage(gateway);
  before.send({ type: "watch" });
  await talk(gateway, "one");
  await overAt(before, 0);
  const { epoch = "", position } = before.flows;
  before.socket.terminate();
  await talk(gateway, "two");
  await using after = await openPage(gateway);
  after.send({ type: "watch", from: { epoch, position } });
  const flow = await overAt(after, 0);
  expect(Buffer.from(flow.record.writes[0]?.bytes ?? []).toString()).toBe("two");
  expect(after.framesOf("watching")[0]).toMatchObject({ epoch, position });
});

test("a page that does not read costs the traffic nothing, and gets marks that add up when it reads again", async () => {
  await using mirror = await openMirror();
  const config = { watchMemory: 1 };
  await using gateway = await openListening(named("mirror", mirror), { config });
  await using page = await openPage(gateway);
  page.send({ type: "watch" });
  await page.frame("watching");
  page.socket.pause();
  const message = "x".repeat(1_000_000);
  // More than the kernel's buffers and the log hold together.
  for (let turn = 0; turn < 12; turn++) {
    expect(await talk(gateway, message)).toHaveLength(message.length);
  }
  expect(eventsOf(gateway, "socket").map(({ outcome }) => outcome)).toEqual(["open"]);
  page.socket.resume();
  const last = await page.until(() => {
    const newest = [...page.flows.flows.values()].at(-1);
    return newest?.last === undefined || newest.isLost ? undefined : newest;
  });
  expect(last.record).toMatchObject({ sentBytes: message.length, receivedBytes: message.length });
  expect(page.flows.gapCount).toBeGreaterThan(0);
});

test("keys of flows to wirebook are masked for the page, and passed on as they are", async () => {
  let received = "";
  const target = await openBackend((socket: Socket) => {
    socket.on("data", (chunk) => (received += String(chunk))).on("end", () => socket.end("bob~n3wkey\n"));
  });
  await using gateway = await openListening(target.target);
  await using page = await openPage(gateway);
  page.send({ type: "watch" });
  expect(await talk(gateway, "root~s3cret 4 bob\n")).toBe("bob~n3wkey\n");
  expect(received).toBe("root~s3cret 4 bob\n");
  const { record } = await overAt(page, 0);
  expect(Buffer.from(record.writes[0]?.bytes ?? []).toString()).toBe("root~****** 4 bob\n");
  expect(Buffer.from(record.reads[0]?.bytes ?? []).toString()).toBe("bob~******\n");
  expect(page.textFrames.join("")).not.toContain("s3cret");
  await target[Symbol.asyncDispose]();
});

test("an operator sets the faults of a port, and every page is told; another role may not", async () => {
  await using mirror = await openMirror();
  await using gateway = await openListening(named("mirror", mirror));
  await using page = await openPage(gateway);
  await using other = await openPage(gateway);
  const { listenPort } = gateway;
  expect((await page.frame("hello")).listening).toEqual([
    { port: listenPort, host: "127.0.0.1", target: "mirror", faults: {} },
  ]);
  page.send({ type: "set-faults", port: listenPort, faults: { latencyMs: 5 } });
  const { listening } = await other.frame("listening");
  expect(listening[0]?.faults).toEqual({ latencyMs: 5 });
  page.send({ type: "set-faults", port: 1, faults: {} });
  expect(await page.error("frame-invalid")).toMatchObject({ message: expect.stringMatching(/port 1/) as string });

  await using guarded = await openPasswordGateway();
  await using user = await openPage(guarded, { headers: basic(ada) });
  user.send({ type: "set-faults", port: listenPort, faults: {} });
  expect(await user.error("forbidden")).toMatchObject({ message: expect.stringMatching(/operator/) as string });
});

test("a viewer may watch and not present; a page from elsewhere may not watch without authentication", async () => {
  await using guarded = await openPasswordGateway({ config: { roles: new Map() } });
  await using viewer = await openPage(guarded, { headers: basic(ada) });
  expect(await viewer.frame("hello")).toMatchObject({ role: "viewer", mayWatch: true });
  viewer.send({ type: "watch" });
  await viewer.frame("watching");
  viewer.send({ type: "present" });
  await viewer.error("forbidden");

  await using echo = await openEcho();
  const config = { trustProxy: ["127.0.0.1"] };
  await using open = await openGateway(echo, { config });
  await using far = await openPage(open, { headers: { "x-forwarded-for": "192.0.2.7" } });
  expect(await far.frame("hello")).toMatchObject({ mayWatch: false });
  far.send({ type: "watch" });
  expect(await far.error("forbidden")).toMatchObject({ message: expect.stringMatching(/--auth/) as string });
});

test("a page from elsewhere sets no faults without authentication", async () => {
  await using mirror = await openMirror();
  await using gateway = await openListening(named("mirror", mirror), { config: { trustProxy: ["127.0.0.1"] } });
  await using far = await openPage(gateway, { headers: { "x-forwarded-for": "192.0.2.7" } });
  far.send({ type: "set-faults", port: gateway.listenPort, faults: { isStalled: true } });
  expect(await far.error("forbidden")).toMatchObject({ message: expect.stringMatching(/--auth/) as string });
  await using page = await openPage(gateway);
  expect((await page.frame("hello")).listening).toMatchObject([{ faults: {} }]);
});

test("a page watches one log at a time, and none after unwatch", async () => {
  await using mirror = await openMirror();
  await using gateway = await openListening(named("mirror", mirror));
  await using page = await openPage(gateway);
  page.send({ type: "watch" });
  page.send({ type: "watch" });
  await talk(gateway, "once");
  const flow = await overAt(page, 0);
  expect(flow.record.sentBytes).toBe(4);
  page.send({ type: "unwatch" });
  page.send({ type: "clock", at: 1 });
  await page.frame("clock");
  const { position } = page.flows;
  await using other = await openPage(gateway);
  other.send({ type: "watch" });
  await talk(gateway, "twice");
  await overAt(other, 1);
  expect(page.flows.position).toBe(position);
});
