import { expect, test } from "vitest";
import { encodeBytes, encodeText } from "@wirebook/protocol";
import { FrameLog } from "../src/exchanges/frame-log.ts";

/** A log to which reads of such sizes have been added; byte number n of the reply is n modulo 256. */
function logOf(sizes: readonly number[], framesAtEachEnd: number, headBytes: number, tailBytes: number): FrameLog {
  const log = new FrameLog({ framesAtEachEnd, headBytes, tailBytes });
  let offset = 0;
  sizes.forEach((bytes, index) => {
    const payload = encodeBytes(
      1,
      Uint8Array.from({ length: bytes }, (_, at) => offset + at),
    );
    log.add({
      direction: "received",
      kind: "binary",
      name: "bytes",
      atMs: index,
      bytes: payload.length,
      read: { index, offset, bytes },
      payload,
    });
    offset += bytes;
  });
  return log;
}

const joined = (parts: readonly Uint8Array[]) => parts.flatMap((part) => [...part]);

test("gives the reply's bytes across reads, without the frames' headers", () => {
  expect(joined(logOf([3, 2, 4], 10, 1000, 0).replyParts(2, 7))).toEqual([2, 3, 4, 5, 6]);
});

test("keeps frames at its bound and drops from the middle past it", () => {
  expect(logOf([1, 1, 1, 1], 2, 1000, 1000).droppedFrames).toBe(0);
  const log = logOf([1, 1, 1, 1, 1], 2, 1000, 1000);
  expect([log.count, log.droppedFrames, log.frames.map(({ index }) => index)]).toEqual([5, 1, [0, 1, 3, 4]]);
});

test("keeps payloads up to its bounds, lets go of those between, and counts them", () => {
  const log = logOf([6, 6, 6, 6], 10, 20, 10);
  expect(log.frames.map(({ payload }) => payload !== undefined)).toEqual([true, true, false, true]);
  expect([log.keptBytes, log.droppedBytes]).toEqual([30, 10]);
});

test("counts every byte once, kept or dropped, however many frames come", () => {
  const log = logOf(
    Array.from({ length: 50 }, (_, n) => n % 7),
    5,
    40,
    30,
  );
  const kept = log.frames.reduce((sum, { payload, bytes }) => sum + (payload === undefined ? 0 : bytes), 0);
  expect(log.keptBytes).toBe(kept);
  expect(log.keptBytes + log.droppedBytes).toBe(
    50 * 4 + Array.from({ length: 50 }, (_, n) => n % 7).reduce((a, b) => a + b),
  );
});

test("keeps the newest frame even when it alone is over the bound", () => {
  const log = logOf([1, 100], 10, 8, 8);
  expect(log.frames[1]?.payload).toBeDefined();
});

test("lets go of everything when asked, and goes on counting", () => {
  const log = logOf([4, 4, 4], 10, 16, 8);
  const before = log.keptBytes;
  expect(log.release()).toBe(before);
  expect(log.keptBytes).toBe(0);
  const payload = encodeText("text");
  log.add({
    direction: "sent",
    kind: "text",
    name: "cancel",
    atMs: 0,
    bytes: payload.length,
    read: undefined,
    payload: "text",
  });
  expect(log.keptBytes).toBe(4);
});
