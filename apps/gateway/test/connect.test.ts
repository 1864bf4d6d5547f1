import { expect, test } from "vitest";
import { openBackend, openGateway, openPage } from "./gateway-fixture.ts";
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
  await using gateway = await openGateway(counter);
  await using page = await openPage(gateway);
  const sent = Buffer.from([0, 10, 255, 13, 27, 65]);
  const { bytes, last } = await page.connect("wirebook", { bytes: sent, isEnded: true }).ended;
  expect(bytes.toString("latin1")).toBe(`6:${sent.toString("latin1")}`);
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 6 });
});

test("half-closes at once when there are no bytes", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter);
  await using page = await openPage(gateway);
  const { text, last } = await page.connect("wirebook", { isEnded: true }).ended;
  expect(text).toBe("0:");
  expect(last).toMatchObject({ sentBytes: 0 });
});

test("takes more bytes until an end frame half-closes the stream", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { bytes: "one " });
  await stream.send("two ");
  await stream.opened;
  for (const bytes of ["three", ""]) await stream.send(bytes);
  stream.end();
  const { text, last } = await stream.ended;
  expect(text).toBe("13:one two three");
  expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 13 });
});

test("keeps the order of bytes that came while the stream waited for a connection", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter, { config: { connections: 1 } });
  await using page = await openPage(gateway);
  const first = page.connect("wirebook");
  await first.opened;
  const second = page.connect("wirebook", { bytes: "a" });
  for (const bytes of ["b", "c"]) await second.send(bytes);
  second.end();
  first.cancel();
  expect((await second.ended).text).toBe("3:abc");
});

test("does not half-close a request: the server's FIN comes first", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  let isAnswered = false;
  await using backend = await openBackend((socket) => {
    socket.on("end", () => resolve(isAnswered ? "after the reply" : "before the reply"));
    socket.once("data", () => socket.write("a part", () => undefined));
  });
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.request("brick");
  await stream.received(6);
  isAnswered = true;
  for (const socket of backend.sockets) socket.end("the rest");
  expect((await stream.ended).text).toBe("a partthe rest");
  expect(await ended).toBe("after the reply");
});

test("refuses bytes behind the end of a stream", async () => {
  await using backend = await openBackend((socket) => socket.resume());
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook", { isEnded: true });
  await stream.opened;
  await stream.send("more");
  const { message, id } = await page.error("frame-invalid");
  expect(message).toContain("stream 1 was ended");
  expect(id).toBeNull();
});

test("takes 8192 first bytes in a frame, and not one more", async () => {
  await using counter = await openCounter();
  await using gateway = await openGateway(counter);
  await using page = await openPage(gateway);
  const frame = { type: "connect", target: "wirebook", end: true } as const;
  const [most, over] = [8192, 8193].map((byteCount) => btoa("x".repeat(byteCount)));
  expect((await page.ask({ ...frame, id: 1, bytes: `${most}` })).text).toMatch(/^8192:x/);
  expect((await page.ask({ ...frame, id: 2, bytes: `${over}` })).last).toMatchObject({
    code: "message-invalid",
    message: expect.stringContaining("8193 first bytes are over the limit of 8192"),
  });
});

test("stops reading a page whose target does not read, and loses nothing", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<() => void>();
  const { promise: came, resolve: arrive } = Promise.withResolvers<Buffer>();
  await using backend = await openBackend((socket) => {
    socket.pause();
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => arrive(Buffer.concat(chunks)));
    ask(() => socket.resume());
  });
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  const stream = page.connect("wirebook");
  const read = await asked;
  const pieces = Array.from({ length: 2000 }, (_, at) => Buffer.alloc(16_000, at % 251));
  for (const piece of pieces) void stream.send(piece);
  stream.end();
  const [socket] = gateway.app.websocketServer.clients;
  await expect.poll(() => socket?.isPaused).toBe(true);
  read();
  const bytes = await came;
  expect(bytes.equals(Buffer.concat(pieces))).toBe(true);
  expect(socket?.isPaused).toBe(false);
});
