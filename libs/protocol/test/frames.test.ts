import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeBytes,
  decodeGatewayFrame,
  decodePageFrame,
  encodeBytes,
  encodeFrame,
  exchangeIdMax,
  rawBytesMax,
} from "@wirebook/protocol";
import type { GatewayFrame, Measures, PageFrame } from "@wirebook/protocol";

const measures = {
  sentBytes: 8,
  receivedBytes: 20,
  writes: [[7.5, 8]],
  untimedWrites: 0,
  chunks: [[8.5, 20]],
  untimedChunks: 0,
  frames: [
    [8.6, 0],
    [9.1, 24],
  ],
  untimedFrames: 0,
} satisfies Measures;
const endpoint = { address: "127.0.0.1", port: 5007 };

describe("control frames", () => {
  test.each<PageFrame>([
    { type: "request", id: 7, user: "brick", operation: 2, arguments: [-100] },
    { type: "request", id: exchangeIdMax, user: "brick" },
    { type: "raw", id: 8, bytes: "YnJpY2sgMgo=", end: true },
    {
      type: "raw",
      id: 9,
      bytes: "YnJpY2sgMgo=",
      end: false,
      plan: [
        { afterMs: 0, bytes: 3 },
        { afterMs: 200, bytes: 5 },
        { afterMs: 0, do: "reset" },
      ],
      read: { afterMs: 5, bytes: 64, everyMs: 10 },
    },
    { type: "end", id: 8 },
    { type: "cancel", id: 7 },
    { type: "clock", at: 12.5 },
  ])("from the page are read as they are written: $type", (frame) => {
    expect(decodePageFrame(encodeFrame(frame))).toEqual({ frame });
  });

  test.each<GatewayFrame>([
    {
      type: "hello",
      version: "0.1.0",
      server: "127.0.0.1:5007",
      exchangesMax: 64,
      serverConnectionsMax: 256,
      socket: 3,
      proxyHeaderBytes: 28,
    },
    { type: "clock", at: 12.5, gatewayAt: 99.25 },
    { type: "open", id: 7, local: endpoint, remote: endpoint, at: { received: 1, connecting: 2, established: 3 } },
    {
      type: "end",
      id: 7,
      reason: "fin",
      at: { fin: 9 },
      ...measures,
    },
    { type: "error", id: 7, code: "connection-reset", hop: "gateway-server", message: "no", at: {}, ...measures },
    {
      type: "error",
      id: null,
      code: "too-many-websockets",
      hop: "gateway",
      message: "no",
      at: {},
      retryAfterMs: 10_000,
    },
    { type: "error", id: null, code: "frame-invalid", hop: "page-gateway", message: "no", at: {} },
  ])("from the gateway are read as they are written: $type", (frame) => {
    expect(decodeGatewayFrame(encodeFrame(frame))).toEqual({ frame });
  });

  test.each([
    "",
    "[]",
    '{"type":"request"}',
    '{"type":"request","id":0,"user":"brick"}',
    `{"type":"request","id":${exchangeIdMax + 1},"user":"brick"}`,
    '{"type":"request","id":1,"user":"brick","operation":1.5}',
    '{"type":"request","id":1,"user":"brick","arguments":[1,2,3,4]}',
    '{"type":"request","id":1,"user":"brick","target":"evil:80"}',
    '{"type":"raw","id":1,"bytes":"?","end":true}',
    `{"type":"raw","id":1,"bytes":"${"A".repeat(rawBytesMax * 2)}","end":true}`,
    '{"type":"hello"}',
  ])("are refused with a sentence: %s", (text) => {
    expect(decodePageFrame(text)).toEqual({ problem: expect.stringMatching(/\S+ \S+/) as string });
  });

  test("never make the reader throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(Object.keys(decodePageFrame(text))).toHaveLength(1);
      }),
    );
  });
});

describe("byte frames", () => {
  test("carry an id and any bytes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: exchangeIdMax }), fc.uint8Array(), (id, bytes) => {
        expect(decodeBytes(encodeBytes(id, bytes))).toEqual({ id, bytes });
      }),
    );
  });

  test("are none when there is no room for the id", () => {
    expect(decodeBytes(Uint8Array.of(1, 2, 3))).toBeUndefined();
  });
});
