import { expect, test } from "vitest";
import { openPage } from "./page-client.ts";
import { openBackend, openGateway } from "./gateway-fixture.ts";
import type { Backend } from "./gateway-fixture.ts";

/** A server that answers only when the client has sent FIN: with the count of the bytes and the bytes. */
function openCounter(): Promise<Backend> {
  return openBackend((socket) => {
    const came: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => came.push(chunk));
    socket.on("end", () => socket.end(Buffer.concat([Buffer.from(`${Buffer.concat(came).length}:`), ...came])));
  });
}

test("sends any bytes at all and half-closes behind them", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter.target);
  await using page = await openPage(gateway);
  const bytes = Buffer.from([0, 10, 255, 13, 27, 65]);
  const { text, chunks, last } = await page.ask({ type: "raw", id: 1, bytes: bytes.toString("base64"), end: true });
  expect(text.startsWith("6:")).toBe(true);
  expect(Buffer.concat(chunks).toString("latin1")).toBe(`6:${bytes.toString("latin1")}`);
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 6 });
});

test("half-closes at once when there are no bytes", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter.target);
  await using page = await openPage(gateway);
  const { text, last } = await page.ask({ type: "raw", id: 1, bytes: "", end: true });
  expect(text).toBe("0:");
  expect(last).toMatchObject({ sentBytes: 0 });
});

test("keeps a raw exchange open for more bytes, until an end frame half-closes it", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter.target);
  await using page = await openPage(gateway);
  page.send({ type: "raw", id: 1, bytes: btoa("one "), end: false });
  page.sendBytes(1, Buffer.from("two "));
  await page.frame("open");
  page.sendBytes(1, Buffer.from("three"));
  page.sendBytes(1, new Uint8Array(0));
  page.send({ type: "end", id: 1 });
  const { text, last } = await page.answer(1);
  expect(text).toBe("13:one two three");
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 13 });
});

test("keeps the order of bytes that came while the exchange waited for a connection", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter.target, { config: { serverConnections: 1 } });
  await using page = await openPage(gateway);
  page.send({ type: "raw", id: 1, bytes: "", end: false });
  await page.frame("open");
  page.send({ type: "raw", id: 2, bytes: btoa("a"), end: false });
  page.sendBytes(2, Buffer.from("b"));
  page.sendBytes(2, Buffer.from("c"));
  page.send({ type: "end", id: 2 });
  page.send({ type: "cancel", id: 1 });
  expect((await page.answer(2)).text).toBe("3:abc");
});

test("does not half-close a request: the server's FIN comes first", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  let isAnswered = false;
  await using backend = await openBackend((socket) => {
    socket.on("end", () => resolve(isAnswered ? "after the reply" : "before the reply"));
    socket.once("data", () => socket.write("a part", () => undefined));
  });
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "request", id: 1, user: "brick" });
  await page.bytes(1, 6);
  isAnswered = true;
  for (const socket of backend.sockets) socket.end("the rest");
  expect((await page.answer(1)).text).toBe("a partthe rest");
  expect(await ended).toBe("after the reply");
});

test("refuses bytes behind the end of a raw exchange", async () => {
  await using backend = await openBackend((socket) => socket.resume());
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "raw", id: 1, bytes: "", end: true });
  await page.frame("open");
  page.sendBytes(1, Buffer.from("more"));
  const { message, id } = await page.error("frame-invalid");
  expect(message).toContain("ended exchange 1");
  expect(id).toBeNull();
});

test("takes 8192 raw bytes in a frame, and not one more", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter.target);
  await using page = await openPage(gateway);
  const most = Buffer.alloc(8192, "x");
  expect((await page.ask({ type: "raw", id: 1, bytes: most.toString("base64"), end: true })).text).toMatch(/^8192:x/);
  const over = Buffer.alloc(8193, "x");
  const { last } = await page.ask({ type: "raw", id: 2, bytes: over.toString("base64"), end: true });
  expect(last).toMatchObject({
    code: "message-invalid",
    message: expect.stringContaining("8193 raw bytes are over the limit of 8192"),
  });
});

test("stops reading a page whose server does not read, and loses nothing", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<() => void>();
  const { promise: came, resolve: arrive } = Promise.withResolvers<Buffer>();
  await using backend = await openBackend((socket) => {
    socket.pause();
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => arrive(Buffer.concat(chunks)));
    ask(() => socket.resume());
  });
  await using gateway = await openGateway(backend.target);
  await using page = await openPage(gateway);
  page.send({ type: "raw", id: 1, bytes: "", end: false });
  const read = await asked;
  const pieces = Array.from({ length: 2000 }, (_, at) => Buffer.alloc(16_000, at % 251));
  for (const piece of pieces) page.sendBytes(1, piece);
  page.send({ type: "end", id: 1 });
  const [socket] = gateway.app.websocketServer.clients;
  await expect.poll(() => socket?.isPaused).toBe(true);
  read();
  const bytes = await came;
  expect(bytes.equals(Buffer.concat(pieces))).toBe(true);
  expect(socket?.isPaused).toBe(false);
});
