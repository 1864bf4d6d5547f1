import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import type { AddressInfo, Socket } from "node:net";
import fc from "fast-check";
import { WebSocket, WebSocketServer } from "ws";
import { expect, test } from "vitest";
import { gatewayLimits } from "../src/limits.ts";
import type { GatewayLimits } from "../src/limits.ts";
import { SendQueue } from "../src/websocket/send-queue.ts";

/** A queue and the client at its other end, over a real connection. */
async function openQueue(streamCount: number, limits: Partial<GatewayLimits> = {}) {
  const news: string[] = [];
  const note = (what: string) => () => void news.push(what);
  let takenCount = 0;
  const listener = {
    streamCount,
    onFull: note("full"),
    onOverfull: note("overfull"),
    onFree: note("free"),
    onTaken: () => void (takenCount += 1),
  };
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const page = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[webSocket, { socket }]] = (await Promise.all([
    once(server, "connection"),
    once(page, "open"),
  ])) as unknown as [[WebSocket, { socket: Socket }]];
  return {
    queue: new SendQueue(webSocket, socket, { ...gatewayLimits, ...limits }, listener),
    news,
    takenCount: () => takenCount,
    page,
    async [Symbol.asyncDispose]() {
      page.terminate();
      await once(webSocket, "close");
      server.close();
    },
  };
}

/** The messages that the page gets next. */
async function read(page: WebSocket, count: number): Promise<(string | Uint8Array)[]> {
  const messages: (string | Uint8Array)[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const take = (data: Buffer, isBinary: boolean): void => {
    messages.push(isBinary ? Uint8Array.from(data) : data.toString());
    if (messages.length === count) resolve();
  };
  page.on("message", take);
  if (count > 0) await promise;
  page.off("message", take);
  return messages;
}

const lengths = [0, 1, 125, 126, 0xffff, 0x10000];
const shape = fc.record({ isText: fc.boolean(), length: fc.oneof(fc.constantFrom(...lengths), fc.nat(300)) });

test.each([1, 3])(
  "sends each frame as one message, in order, whatever their lengths, with %i streams",
  async (count) => {
    await using pair = await openQueue(count);
    await fc.assert(
      fc.asyncProperty(fc.array(shape, { maxLength: 12 }), async (shapes) => {
        const frames = shapes.map(({ isText, length }) =>
          isText ? "x".repeat(length) : new Uint8Array(length).fill(length),
        );
        const reading = read(pair.page, frames.length);
        for (const frame of frames) pair.queue.send(frame);
        expect(await reading).toEqual(frames);
      }),
      { numRuns: 50 },
    );
  },
);

test("writes the frames of one turn together when the turn is over, while several streams run", async () => {
  await using pair = await openQueue(3);
  const sent = ["one", "two"];
  const reading = read(pair.page, sent.length);
  for (const frame of sent) pair.queue.send(frame);
  expect(pair.queue.waitingBytes).toBeGreaterThan(sent.join("").length);
  expect(await reading).toEqual(sent);
  expect(pair.queue.waitingBytes).toBe(0);
  expect(pair.takenCount()).toBe(1);
});

test.each([1, 3])("tells once that it is full, overfull, and free again, with %i streams", async (count) => {
  await using pair = await openQueue(count, { highWaterBytes: 1000, lowWaterBytes: 100, overfullBytes: 2_000_000 });
  pair.page.pause();
  const piece = new Uint8Array(50_000);
  // The kernel takes some megabytes for a client that reads nothing.
  while (!pair.news.includes("overfull")) {
    pair.queue.send(piece);
    await setImmediate();
  }
  expect(pair.news.filter((what) => what === "overfull")).toEqual(["overfull"]);
  const before = pair.news.lastIndexOf("full");
  expect(pair.queue.isFull).toBe(true);
  pair.page.resume();
  await expect.poll(() => pair.queue.isFull).toBe(false);
  expect(pair.news.slice(before)).toEqual(["full", "overfull", "free"]);
  expect(pair.queue.waitingBytes).toBeLessThanOrEqual(100);
});
