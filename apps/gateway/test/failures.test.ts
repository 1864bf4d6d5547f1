import { connect } from "node:net";
import { once } from "node:events";
import type { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { subprotocol } from "@wirebook/protocol";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { closedPort, eventsOf, openBackend, openEcho, openGateway, openMute, openPage } from "./gateway-fixture.ts";

test("says that nothing listens where the server should be", async () => {
  const closed = await closedPort();
  await using gateway = await openGateway(closed);
  await using page = await openPage(gateway);
  const { last, open } = await page.ask({ type: "request", id: 1, user: "brick" });
  expect(last).toMatchObject({ type: "error", id: 1, code: "connect-refused", hop: "gateway-server" });
  expect(last).toMatchObject({ message: expect.stringContaining(`127.0.0.1:${closed.port}`) });
  expect(last.at).toMatchObject({
    received: expect.any(Number),
    connecting: expect.any(Number),
    closed: expect.any(Number),
  });
  expect(open).toBeUndefined();
  expect(eventsOf(gateway, "stream")).toMatchObject([{ outcome: "connect-refused", hop: "gateway-server" }]);
});

test("says that the server broke the connection, behind the bytes that had come", async () => {
  await using backend = await openBackend((socket) => socket.once("data", () => socket.write("a part")));
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.start({ type: "request", id: 1, user: "brick", operation: 2 });
  await stream.received(6);
  for (const socket of backend.sockets) socket.resetAndDestroy();
  const { text, last } = await stream.ended;
  expect(text).toBe("a part");
  expect(last).toMatchObject({
    code: "connection-reset",
    hop: "gateway-server",
    message: expect.stringContaining("6 bytes"),
  });
  expect(last.at.firstByte).toBeGreaterThan(0);
  expect(last).toMatchObject({ sentBytes: 8, receivedBytes: 6 });
});

test("gives up a silent server, but never a follow", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute, { limits: { replyTimeoutMs: 40 } });
  await using page = await openPage(gateway);
  const stream = page.start({ type: "request", id: 1, user: "brick", operation: 5, arguments: [-1] });
  await stream.opened;
  const [follow] = mute.sockets;
  const { last } = await page.ask({ type: "request", id: 2, user: "brick", operation: 2 });
  expect(last).toMatchObject({
    code: "reply-timeout",
    hop: "gateway-server",
    message: expect.stringContaining("40 ms"),
  });
  follow?.write("a line at last\n");
  expect(String(await stream.received(15))).toBe("a line at last\n");
});

test("gives the connection of a failed exchange to the next", async () => {
  await using backend = await openBackend((socket) => {
    socket.once("data", (line) => (line.toString() === "break\n" ? socket.resetAndDestroy() : socket.end("fine")));
  });
  await using gateway = await openGateway(backend, { config: { connections: 1 } });
  await using page = await openPage(gateway);
  const broken = [1, 2, 3].map((id) => page.ask({ type: "request", id, user: "break" }));
  const whole = page.ask({ type: "request", id: 4, user: "brick" });
  for (const { last } of await Promise.all(broken)) expect(last).toMatchObject({ code: "connection-reset" });
  expect((await whole).text).toBe("fine");
});

test("drops a page that gives no sign of life, and its exchanges with it", async () => {
  using clock = new HeldClock();
  await using mute = await openMute();
  await using gateway = await openGateway(mute, { limits: { pingIntervalMs: 40 } });
  await using page = await openPage(gateway, { autoPong: false });
  const stream = page.start({ type: "request", id: 1, user: "brick", operation: 5 });
  await stream.opened;
  const [socket] = mute.sockets;
  const { promise: closed, resolve } = Promise.withResolvers<unknown>();
  socket?.on("close", resolve);
  clock.pass(40); // What it sent was a sign of life until now.
  clock.pass(40);
  await Promise.all([page.closing, closed]);
  expect(await page.closing).toMatchObject({ code: 1006 });
  expect(eventsOf(gateway, "socket").map(({ outcome }) => outcome)).toContain("dead");
});

test("keeps a page that answers pings, however silent it is", async () => {
  using clock = new HeldClock();
  await using gateway = await openGateway(await closedPort(), { limits: { pingIntervalMs: 300 } });
  await using page = await openPage(gateway);
  const [end] = gateway.app.websocketServer.clients as Set<EventEmitter>;
  for (let at = 0; at < 4; at++) {
    clock.pass(300);
    await once(end as EventEmitter, "pong");
  }
  expect(page.socket.readyState).toBe(page.socket.OPEN);
});

test("survives whatever a peer does to the WebSocket below its frames", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
  const spoilers = [
    Buffer.from([0xff, 0xff, 0xff, 0xff]), // Reserved bits and an unknown opcode.
    Buffer.from([0x81, 0x05, 1, 2, 3, 4, 5]), // A frame that is not masked.
    Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]), // Text that is not UTF-8.
    Buffer.from([0x88, 0x81, 0, 0, 0, 0, 0]), // A close frame with half a code.
    Buffer.from([0x89, 0xfe, 0xff, 0xff]), // A ping that is too long.
  ];
  for (const spoiler of spoilers) {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => undefined);
    const head = [
      "GET /ws HTTP/1.1",
      `Host: ${gateway.host}`,
      `Origin: http://${gateway.host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      `Sec-WebSocket-Protocol: ${subprotocol}`,
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    await once(socket, "data");
    socket.write(spoiler);
    socket.resume();
    await once(socket, "close");
  }
  await using page = await openPage(gateway);
  expect((await page.ask({ type: "request", id: 1, user: "brick" })).text).toBe("echo brick\n");
});

test("closes with a reason, and lives on, when a listener throws", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
  await using page = await openPage(gateway);
  await using other = await openPage(gateway);
  await page.frame("hello");
  const push = gateway.log.push.bind(gateway.log);
  gateway.log.push = (...lines) => {
    if (lines.some((line) => line.includes('"event":"stream"') && line.includes("spoiler")))
      throw new Error("the log is full");
    return push(...lines);
  };
  page.request("spoiler");
  expect(await page.closing).toMatchObject({ code: 1011, reason: expect.stringMatching(/^internal: /) });
  expect(eventsOf(gateway, "internal-error")).toMatchObject([{ err: { message: "the log is full" } }]);
  expect((await other.ask({ type: "request", id: 1, user: "brick" })).text).toBe("echo brick\n");
});
