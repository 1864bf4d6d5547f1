import { expect, test } from "vitest";
import { readProxyHeader } from "@wirebook/net";
import { eventsOf, openBackend, openEcho, openGateway, openPage } from "./gateway-fixture.ts";
import type { Backend, Gateway, GatewayOptions } from "./gateway-fixture.ts";

/** A gateway that tells the server for whom it connects. */
function openTelling({ target }: Backend, options?: GatewayOptions): Promise<Gateway> {
  return openGateway([{ ...target, proxy: "v2" }], options);
}

/** A server that answers with what its connection began with, as a PROXY header is read, and the message behind it. */
function openProxied(): Promise<Backend> {
  return openBackend((socket) => {
    let bytes: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const reading = readProxyHeader(bytes);
      const isWhole =
        reading.state === "invalid" || (reading.state === "whole" && bytes.includes("\n", reading.length));
      if (!isWhole) return;
      const message = reading.state === "whole" ? bytes.subarray(reading.length).toString() : undefined;
      socket.end(JSON.stringify({ ...reading, message }));
    });
    socket.on("end", () => socket.end());
  });
}

const read = (text: string): unknown => JSON.parse(text);

test("tells the server the page's own address and port, and counts only the message", async () => {
  await using backend = await openProxied();
  await using gateway = await openTelling(backend);
  await using page = await openPage(gateway, { localAddress: "127.0.0.5" });
  expect(await page.frame("hello")).toMatchObject({ targets: [{ name: "wirebook", proxyHeaderBytes: 28 }] });
  const { text, last, record } = await page.request("brick").ended;
  expect(read(text)).toEqual({
    state: "whole",
    length: 28,
    connection: {
      source: { address: "127.0.0.5", port: expect.any(Number) },
      destination: { address: "127.0.0.1", port: gateway.port },
    },
    message: "brick\n",
  });
  expect(last).toMatchObject({ sentBytes: 6 });
  expect(record.writes.map(({ byteCount }) => byteCount)).toEqual([6]);
});

test("puts the header before the first piece of a write schedule, too", async () => {
  await using backend = await openProxied();
  await using gateway = await openTelling(backend);
  await using page = await openPage(gateway);
  const schedule = [1, 4, 1].map((bytes) => ({ afterMs: 1, bytes }));
  const { text, record } = await page.connect("wirebook", { bytes: "brick\n", schedule }).ended;
  expect(read(text)).toMatchObject({ state: "whole", length: 28, message: "brick\n" });
  expect(record.writes.map(({ byteCount }) => byteCount)).toEqual([1, 4, 1]);
});

test("speaks for itself when it only looks whether the server is there", async () => {
  let heard: Buffer = Buffer.alloc(0);
  await using backend = await openBackend((socket) => {
    socket.on("data", (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])));
    socket.on("end", () => socket.end());
  });
  await using gateway = await openTelling(backend);
  expect((await fetch(`http://${gateway.host}/readyz`)).status).toBe(200);
  await expect.poll(() => readProxyHeader(heard)).toEqual({ state: "whole", length: 16, connection: undefined });
});

test("sends no header unless it is told to", async () => {
  await using backend = await openProxied();
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  expect(read((await page.ask({ type: "request", id: 1, user: "brick" })).text)).toMatchObject({ state: "invalid" });
});

test("believes the X-Forwarded-For of a reverse proxy that it trusts, and of nobody else", async () => {
  await using backend = await openProxied();
  const config = { trustProxy: ["127.0.0.5"] };
  await using gateway = await openTelling(backend, { config, limits: { webSocketsPerAddressMax: 2 } });
  const from = (localAddress: string, forwarded: string) =>
    openPage(gateway, { localAddress, headers: { "x-forwarded-for": forwarded } });
  const sourceOf = async (page: Awaited<ReturnType<typeof from>>): Promise<unknown> => {
    const { text } = await page.ask({ type: "request", id: 1, user: "brick" });
    return (read(text) as { connection: { source: unknown } }).connection.source;
  };
  await using proxied = await from("127.0.0.5", "203.0.113.66, 198.51.100.7");
  expect(await sourceOf(proxied)).toEqual({ address: "198.51.100.7", port: 0 });
  await using sixth = await from("127.0.0.5", "2001:DB8::7");
  expect(await sourceOf(sixth)).toEqual({ address: "2001:db8::7", port: 0 });
  await using nonsense = await from("127.0.0.5", "unknown");
  expect(await sourceOf(nonsense)).toMatchObject({ address: "127.0.0.5", port: expect.any(Number) });
  await using liar = await from("127.0.0.6", "198.51.100.7");
  expect(await sourceOf(liar)).toMatchObject({ address: "127.0.0.6" });
  const addresses = eventsOf(gateway, "socket").map(({ address }) => address);
  expect(addresses).toEqual(["198.51.100.7", "2001:db8::7", "127.0.0.5", "127.0.0.6"]);
});

test.each([
  ["203.0.113.7:51234", "203.0.113.7"],
  ["[2001:db8::1]:443", "2001:db8::1"],
  ["[2001:db8::1]", "2001:db8::1"],
  ["198.51.100.1, 203.0.113.7:80", "203.0.113.7"],
  ["203.0.113.7:80, 127.0.0.5:4711", "203.0.113.7"],
  ["203.0.113.7:port", "127.0.0.5"],
  ["203.0.113.256:80", "127.0.0.5"],
])("reads the X-Forwarded-For %j as the address %s", async (forwarded, address) => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: { trustProxy: ["127.0.0.5"] } });
  await using page = await openPage(gateway, { localAddress: "127.0.0.5", headers: { "x-forwarded-for": forwarded } });
  await page.frame("hello");
  expect(eventsOf(gateway, "socket")).toMatchObject([{ address }]);
});

test("counts the pages behind a trusted reverse proxy by their own addresses", async () => {
  await using echo = await openEcho();
  const config = { trustProxy: ["127.0.0.1"] };
  await using gateway = await openGateway(echo, { config, limits: { webSocketsPerAddressMax: 1 } });
  const from = (forwarded: string) => openPage(gateway, { headers: { "x-forwarded-for": forwarded } });
  await using first = await from("198.51.100.1");
  await using second = await from("198.51.100.2");
  await Promise.all([first.frame("hello"), second.frame("hello")]);
  await using third = await from("198.51.100.2");
  expect((await third.error("too-many-websockets")).message).toContain("198.51.100.2");
  await using sixth = await from("2001:db8::1");
  await using elsewhere = await from("2001:db8:0:1::1");
  await Promise.all([sixth.frame("hello"), elsewhere.frame("hello")]);
  await using neighbour = await from("2001:db8::2");
  expect((await neighbour.error("too-many-websockets")).message).toContain("2001:db8::/64");
});
