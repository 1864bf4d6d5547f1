import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import fc from "fast-check";
import { WebSocket, WebSocketServer } from "ws";
import { expect, test } from "vitest";
import { decodeBytes, encodeFrame } from "@wirebook/protocol";
import type { GatewayFrame } from "@wirebook/protocol";
import { gatewayLimits } from "../src/limits.ts";
import { copiedBytesMax, SendQueue } from "../src/websocket/send-queue.ts";

const deaf = { onFull: () => undefined, onOverfull: () => undefined, onFree: () => undefined };

/** A queue and the page at its other end, over a real connection. */
async function openQueue() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const page = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[webSocket, { socket }]] = (await Promise.all([
    once(server, "connection"),
    once(page, "open"),
  ])) as unknown as [[WebSocket, { socket: Socket }]];
  return {
    queue: new SendQueue(webSocket, socket, gatewayLimits, deaf),
    socket,
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
    messages.push(isBinary ? Uint8Array.from(decodeBytes(data)?.bytes ?? []) : data.toString());
    if (messages.length === count) resolve();
  };
  page.on("message", take);
  if (count > 0) await promise;
  page.off("message", take);
  return messages;
}

const lengths = [0, 1, 121, 122, copiedBytesMax, copiedBytesMax + 1, 0xfffb, 0xfffc, 0xffff, 0x10000];
const shape = fc.record({ isText: fc.boolean(), length: fc.oneof(fc.constantFrom(...lengths), fc.nat(300)) });

test("sends each frame as one message, in order, whatever their lengths", async () => {
  await using pair = await openQueue();
  await fc.assert(
    fc.asyncProperty(fc.array(shape, { maxLength: 12 }), async (shapes) => {
      const frames = shapes.map(({ isText, length }): GatewayFrame | Uint8Array =>
        isText ? { type: "clock", at: length, gatewayAt: 1 } : new Uint8Array(length).fill(length),
      );
      const reading = read(pair.page, frames.length);
      for (const frame of frames) {
        if (frame instanceof Uint8Array) pair.queue.sendBytes(7, frame.slice());
        else pair.queue.send(frame);
      }
      expect(await reading).toEqual(frames.map((each) => (each instanceof Uint8Array ? each : encodeFrame(each))));
    }),
    { numRuns: 50 },
  );
});

test("writes the frames of one turn together when the turn is over", async () => {
  await using pair = await openQueue();
  const sent = [1, 2].map((at): GatewayFrame => ({ type: "clock", at, gatewayAt: 1 }));
  const reading = read(pair.page, sent.length);
  for (const frame of sent) pair.queue.send(frame);
  const waitingBytes = pair.queue.waitingBytes;
  expect(waitingBytes).toBeGreaterThan(sent.map(encodeFrame).join("").length);
  expect(await reading).toEqual(sent.map(encodeFrame));
  expect(pair.queue.waitingBytes).toBe(0);
  expect(pair.queue.takenCount).toBe(1);
});

test("frees the memory of a large read once the kernel has taken it, and none that others share", async () => {
  await using pair = await openQueue();
  const large = new Uint8Array(copiedBytesMax + 1).fill(1);
  const part = new Uint8Array(2 * copiedBytesMax).fill(2).subarray(0, copiedBytesMax + 1);
  pair.queue.sendBytes(1, large);
  pair.queue.sendBytes(1, part);
  expect(large.length).toBe(copiedBytesMax + 1);
  await expect.poll(() => large.buffer.byteLength).toBe(0);
  expect(part.every((byte) => byte === 2) && part.length === copiedBytesMax + 1).toBe(true);
});
