import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { Target } from "@wirebook/net";
import { RelayClient } from "../../../test-support/relay-client.ts";
import type { RelayClientOptions } from "../../../test-support/relay-client.ts";
import {
  closedPort,
  eventsOf,
  named,
  openBackend,
  openGateway,
  openMirror,
  openMute,
  refusedPage,
} from "./gateway-fixture.ts";
import type { Backend, Gateway, GatewayOptions } from "./gateway-fixture.ts";

const mebibyte = 1024 * 1024;

/** A gateway with a relay to a target by the name `it`. */
function openRelay(backend: Pick<Backend, "target">, { config, limits = {} }: GatewayOptions = {}): Promise<Gateway> {
  return openGateway([named("it", backend)], { config: { relay: true, ...config }, limits });
}

const join = ({ host }: Gateway, options?: RelayClientOptions): Promise<RelayClient> =>
  RelayClient.open(host, "it", options);

/** The first connection to a server, and what it has got so far. */
async function openFirst() {
  const { promise: connected, resolve } = Promise.withResolvers<Socket>();
  const backend = await openBackend((socket) => {
    socket.on("data", (bytes: Buffer) => came.push(bytes));
    resolve(socket);
  });
  const came: Buffer[] = [];
  return Object.assign(backend, { connected, came: () => Buffer.concat(came) });
}

test("passes on text and binary messages as bytes, and gives each read as a binary message", async () => {
  await using first = await openFirst();
  await using gateway = await openRelay(first);
  await using client = await join(gateway);
  const socket = await first.connected;
  await client.send("text ✓ ");
  await client.send(Buffer.from([0, 255, 10]));
  await client.send("");
  await expect.poll(() => first.came()).toEqual(Buffer.concat([Buffer.from("text ✓ "), Buffer.from([0, 255, 10])]));
  for (const [at, read] of ["one", "two "].entries()) {
    socket.write(read);
    await client.received(3 + at * 4);
  }
  expect(client.messages.map(String)).toEqual(["one", "two "]);
});

test.each([
  ["none", [], ""],
  ["binary", ["binary"], "binary"],
  ["binary among others", ["mqtt", "base64", "binary"], "binary"],
  ["binary beside that of pages", ["wirebook.v2", "binary"], "binary"],
  ["another one", ["mqtt", "mqttv3.1"], "mqtt"],
])("answers the subprotocols: %s", async (_, protocols, chosen) => {
  await using mirror = await openMirror();
  await using gateway = await openRelay(mirror);
  await using client = await join(gateway, { protocols });
  expect(client.socket.protocol).toBe(chosen);
  await client.send("x");
  expect(String(await client.received(1))).toBe("x");
});

test("closes with 1000 behind all bytes when the target sends FIN", async () => {
  const reply = randomBytes(3 * mebibyte);
  await using backend = await openBackend((socket) => socket.resume().end(reply));
  await using gateway = await openRelay(backend);
  await using client = await join(gateway);
  expect(await client.closing).toMatchObject({ code: 1000 });
  expect(client.bytes.equals(reply)).toBe(true);
  await expect
    .poll(() => eventsOf(gateway, "stream"))
    .toMatchObject([{ target: "it", message: "relay", outcome: "fin", receivedBytes: reply.length }]);
});

test("loses nothing to a client that stalls for longer than a close may take, at the target's end", async () => {
  const reply = randomBytes(16 * mebibyte);
  await using backend = await openBackend((socket) => socket.resume().end(reply));
  await using gateway = await openRelay(backend, { limits: { closeTimeoutMs: 20, highWaterBytes: 64 * mebibyte } });
  await using client = await join(gateway);
  client.socket.pause();
  // All of it waits in the gateway, whose bound is that high here, and the target has ended.
  await expect.poll(() => eventsOf(gateway, "stream")).toMatchObject([{ outcome: "fin" }]);
  for (let turn = 0; turn < 20; turn += 1) await fetch(`http://${gateway.host}/healthz`);
  client.socket.resume();
  expect(await client.closing).toMatchObject({ code: 1000 });
  expect(client.bytes.equals(reply)).toBe(true);
});

test("closes with 1011 and the reason when the target resets, or nothing listens", async () => {
  await using backend = await openBackend((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await using gateway = await openRelay(backend);
  await using client = await join(gateway);
  await client.send("x");
  expect(await client.closing).toMatchObject({ code: 1011, reason: expect.stringMatching(/^connection-reset: /) });
  await using nowhere = await openRelay(await closedPort());
  await using refused = await join(nowhere);
  expect(await refused.closing).toMatchObject({ code: 1011, reason: expect.stringMatching(/^connect-refused: /) });
});

test("sends FIN when the client closes, and drops what the target still says", async () => {
  await using first = await openFirst();
  // A busy machine may take long to drop it all.
  await using gateway = await openRelay(first, { limits: { relayLingerMs: 60_000 } });
  await using client = await join(gateway);
  const socket = await first.connected;
  await client.send("last words");
  const closing = client.end();
  await once(socket, "end");
  expect(String(first.came())).toBe("last words");
  expect(await closing).toMatchObject({ code: 1000 });
  // More than all buffers on the way take: it is read and dropped, so that the target can end in peace.
  socket.write(Buffer.alloc(32 * mebibyte));
  socket.end();
  await once(socket, "close");
  expect(socket.errored).toBeNull();
  await expect.poll(() => eventsOf(gateway, "stream")).toMatchObject([{ outcome: "fin", sentBytes: 10 }]);
});

test("breaks off a target that does not end within the bound after its client has closed", async () => {
  const { promise: broken, resolve } = Promise.withResolvers<unknown>();
  await using backend = await openBackend((socket) => {
    const goOn = (): boolean => socket.write("and so on", (error) => error ?? setImmediate(goOn));
    socket.on("error", resolve).resume();
    goOn();
  });
  await using gateway = await openRelay(backend, { limits: { relayLingerMs: 30 } });
  await using client = await join(gateway);
  await client.received(9);
  await client.end();
  expect(await broken).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
  await expect.poll(() => backend.sockets.size).toBe(0);
});

test("ends with a client that vanishes", async () => {
  await using mirror = await openMirror();
  await using gateway = await openRelay(mirror, { limits: { relayLingerMs: 30 } });
  await using client = await join(gateway);
  await client.send("x");
  await client.received(1);
  client.socket.terminate();
  await expect.poll(() => mirror.sockets.size).toBe(0);
  await expect.poll(() => gateway.app.websocketServer.clients.size).toBe(0);
});

test("carries 64 MiB and more each way at once, with the same digests, and holds back who is faster", async () => {
  await using mirror = await openMirror();
  await using gateway = await openRelay(mirror);
  const back = createHash("sha256");
  await using client = await join(gateway, { onMessage: (bytes) => back.update(bytes) });
  const [end] = gateway.app.websocketServer.clients;
  const there = createHash("sha256");
  const piece = randomBytes(mebibyte);
  let sent = 0;
  const send = async (): Promise<void> => {
    there.update(piece);
    sent += 1;
    await client.send(piece);
  };
  while (sent < 16) await send();
  client.socket.pause();
  // What the kernels take differs between machines. Then the mirror cannot write on, so it does not read on, so the client is
  // not read.
  const paused = expect.poll(() => end?.isPaused, { timeout: 60_000 }).toBe(true);
  let isPaused = false;
  void paused.then(() => (isPaused = true));
  while (!isPaused) await Promise.race([send(), paused]);
  client.socket.resume();
  while (sent < 64) await send();
  await client.received(sent * mebibyte);
  expect(back.digest("hex")).toBe(there.digest("hex"));
}, 120_000);

test("takes a message of 1 MiB and closes on one byte more", async () => {
  await using mirror = await openMirror();
  await using gateway = await openRelay(mirror);
  await using client = await join(gateway);
  await client.send(randomBytes(mebibyte));
  await client.received(mebibyte);
  await client.send(randomBytes(mebibyte + 1));
  expect(await client.closing).toMatchObject({ code: 1009 });
});

test("is not there unless it is turned on, and only for the targets that there are", async () => {
  await using mirror = await openMirror();
  await using without = await openGateway([named("it", mirror)]);
  expect((await refusedPage(without, {}, "/tcp/it"))[0]).toBe(404);
  await using gateway = await openRelay(mirror);
  for (const path of [
    "/tcp/other",
    "/tcp/IT",
    "/tcp/it/",
    "/tcp/it/x",
    "/tcp/",
    "/tcp",
    "/tcp/%69t/..",
    "/tcp/wirebook",
  ])
    expect([path, ...(await refusedPage(gateway, {}, path))]).toEqual([
      path,
      404,
      expect.stringContaining("/tcp/NAME"),
    ]);
  expect(mirror.acceptedCount).toBe(0);
  const plain = await fetch(`http://${gateway.host}/tcp/it`);
  expect([plain.status, plain.headers.get("upgrade")]).toEqual([426, "websocket"]);
});

test("lets in an allowed Origin, and a client without one on this machine alone", async () => {
  await using mirror = await openMirror();
  const config = { trustProxy: ["127.0.0.5"], origin: ["https://wirebook.example"] };
  await using gateway = await openRelay(mirror, { config });
  const status = async (options: RelayClientOptions): Promise<number> => {
    // `ws` sends no Origin unless it is told to, which `refusedPage` does.
    const client = RelayClient.open(gateway.host, "it", options);
    return client.then(
      (open) => (open[Symbol.dispose](), 101),
      (error: Error) => Number(/(\d{3})$/.exec(error.message)?.[1]),
    );
  };
  expect(await status({})).toBe(101);
  expect(await status({ origin: `http://${gateway.host}` })).toBe(101);
  expect(await status({ origin: "https://wirebook.example" })).toBe(101);
  expect(await status({ origin: "https://evil.example" })).toBe(403);
  expect(await status({ origin: "null" })).toBe(403);
  expect(await status({ headers: { host: "evil.example" } })).toBe(403);
  expect(await status({ headers: { host: "wirebook.example" } })).toBe(403);
  expect(await status({ headers: { "x-forwarded-for": "192.0.2.7" } })).toBe(403);
  expect(await status({ localAddress: "127.0.0.5", headers: { "x-forwarded-for": "192.0.2.7" } })).toBe(403);
  expect(await status({ localAddress: "127.0.0.5", headers: { "x-forwarded-for": "127.0.0.1" } })).toBe(101);
  await using open = await openRelay(mirror, { config: { ...config, auth: { method: "none" } } });
  await using client = await join(open, { headers: { host: "wirebook.example" } });
  expect(client.socket.readyState).toBe(client.socket.OPEN);
});

test("has its share of the connections as a page has, and says when there is none", async () => {
  await using mirror = await openMirror();
  await using gateway = await openRelay(mirror, { config: { connections: 1 }, limits: { queueWaitMs: 20 } });
  await using first = await join(gateway);
  await first.send("x");
  await first.received(1);
  await using second = await join(gateway);
  expect(await second.closing).toMatchObject({ code: 1011, reason: expect.stringMatching(/^busy: /) });
});

test("is counted among the WebSockets, and told when there are too many", async () => {
  await using mirror = await openMirror();
  await using gateway = await openRelay(mirror, { limits: { webSocketsMax: 1 } });
  await using first = await join(gateway);
  await using second = await join(gateway);
  expect(await second.closing).toMatchObject({ code: 1013, reason: expect.stringMatching(/^too-many-websockets: /) });
  // No text, which it would take for the target's.
  expect(second.messages).toEqual([]);
  expect(first.socket.readyState).toBe(first.socket.OPEN);
});

test("ends at once when the gateway stops", async () => {
  await using mirror = await openMirror();
  const gateway = await openRelay(mirror, { limits: { drainMs: 60_000, relayLingerMs: 60_000 } });
  await using client = await join(gateway);
  await client.send("x");
  await client.received(1);
  await gateway.app.close();
  expect(await client.closing).toMatchObject({ code: 1001 });
  await expect.poll(() => mirror.sockets.size).toBe(0);
});

test("answers no pings of a client that reads no answers", async () => {
  await using first = await openFirst();
  await using gateway = await openRelay(first);
  await using client = await join(gateway);
  const [end] = gateway.app.websocketServer.clients;
  client.socket.pause();
  // Three times what the kernel's buffers take.
  for (let sentBytes = 0; sentBytes < 32 * mebibyte; sentBytes += 125 * 10_000) {
    for (let at = 0; at < 10_000; at++) client.socket.ping(Buffer.alloc(125));
    await client.send("");
  }
  await client.send("last");
  await expect.poll(() => String(first.came()), { timeout: 30_000 }).toBe("last");
  expect(end?.bufferedAmount).toBeLessThan(mebibyte);
});

test.each([
  ["a connection", 1, "tcp"],
  ["a handshake", 256, "tls"],
] as const)("counts what many small messages cost that wait for %s", async (_, connections, transport) => {
  await using mute = await openMute();
  const target: Target = { name: "it", address: { transport, host: "127.0.0.1", port: mute.port }, proxy: undefined };
  await using gateway = await openGateway([target], { config: { relay: true, connections } });
  await using holder = await join(gateway);
  await using client = await join(gateway);
  const end = [...gateway.app.websocketServer.clients][1];
  const sent = Array.from({ length: 2000 }, () => client.send("x"));
  await Promise.all(sent);
  await expect.poll(() => end?.isPaused).toBe(true);
  expect(holder.socket.readyState).toBe(holder.socket.OPEN);
});

test("a client that goes while it waits for a connection leaves the queue, unless it has sent something", async () => {
  await using first = await openFirst();
  const limits = { relayLingerMs: 60_000, queueWaitMs: 60_000 };
  await using gateway = await openRelay(first, { config: { connections: 1 }, limits });
  await using holder = await join(gateway);
  await using sender = await join(gateway);
  await using idle = await join(gateway);
  await sender.send("last words");
  sender.socket.close();
  idle.socket.close();
  await expect.poll(() => eventsOf(gateway, "stream")).toMatchObject([{ socket: 3, outcome: "cancelled" }]);
  (await first.connected).end();
  await holder.closing;
  await expect.poll(() => String(first.came())).toBe("last words");
});
