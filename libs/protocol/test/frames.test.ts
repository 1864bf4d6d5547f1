import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeGatewayFrame,
  decodePageFrame,
  encodeFrame,
  faultMsMax,
  firstBytesMax,
  flowIdMin,
  streamIdMax,
} from "@wirebook/protocol";
import type { GatewayFrame, PageFrame } from "@wirebook/protocol";

const totals = { sentBytes: 8, receivedBytes: 20 };
const token = "q4mWZbDh0s3cV1tYx9LkPA";
const target = { name: "wirebook", transport: "tcp", address: "127.0.0.1:5007", proxyHeaderBytes: 0 } as const;
const endpoint = { address: "127.0.0.1", port: 5007 };

describe("control frames", () => {
  test.each<PageFrame>([
    { type: "request", id: 7, user: "brick", operation: 2, arguments: [-100] },
    { type: "request", id: streamIdMax, user: "brick" },
    { type: "connect", id: 8, target: "wirebook", bytes: "YnJpY2sgMgo=", end: true },
    {
      type: "connect",
      id: 9,
      target: "mail",
      bytes: "YnJpY2sgMgo=",
      end: false,
      schedule: [
        { afterMs: 0, bytes: 3 },
        { afterMs: 200, bytes: 5 },
        { afterMs: 0, do: "reset" },
      ],
      read: { afterMs: 5, bytes: 64, everyMs: 10 },
    },
    { type: "end", id: 8 },
    { type: "reset", id: 8 },
    { type: "cancel", id: 7 },
    { type: "clock", at: 12.5 },
    { type: "watch", from: { epoch: "q4mWZbDh0s3c", position: 812 } },
    { type: "watch", presentation: token },
    { type: "unwatch" },
    { type: "set-faults", port: 5008, faults: { latencyMs: 20, jitterMs: 5, sliceBytes: 7, bytesPerSecond: 1000 } },
    { type: "set-faults", port: 5008, faults: {} },
    { type: "present" },
    { type: "present", key: token },
    { type: "unpresent" },
    { type: "show", id: 7, stream: { target, at: { received: 1 }, name: "brick 2" } },
    { type: "shown", id: 7, outcome: { reason: "fin" }, at: { received: 1, closed: 9 }, ...totals },
    { type: "shown", id: 7, outcome: { code: "busy", hop: "gateway", message: "none is free" }, at: {}, ...totals },
    { type: "select", id: 7 },
    { type: "select", id: null },
  ])("from the page are read as they are written: $type", (frame) => {
    expect(decodePageFrame(encodeFrame(frame))).toEqual({ frame });
  });

  test.each<GatewayFrame>([
    {
      type: "hello",
      version: "1.0.0",
      timeOrigin: 1_795_000_000_000.5,
      targets: [
        { name: "wirebook", transport: "tcp", address: "127.0.0.1:5007", proxyHeaderBytes: 28 },
        { name: "db", transport: "unix", proxyHeaderBytes: 0 },
      ],
      lessons: [{ name: "lesson-tls", transport: "tls", proxyHeaderBytes: 0 }],
      streamsMax: 64,
      connectionsMax: 256,
      socket: 3,
      user: null,
      role: "operator",
      listening: [{ port: 5008, host: "127.0.0.1", target: "wirebook", faults: { latencyMs: 20, isStalled: true } }],
      mayWatch: true,
    },
    { type: "clock", at: 12.5, gatewayAt: 99.25 },
    { type: "open", id: 7, local: endpoint, remote: endpoint, at: { received: 1, connecting: 2, established: 3 } },
    {
      type: "open",
      id: 7,
      tls: {
        version: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        alpn: null,
        peer: {
          subject: "CN=mail",
          issuer: "CN=ca",
          validFrom: "2026-01-01T00:00:00.000Z",
          validTo: "2027-01-01T00:00:00.000Z",
        },
      },
      at: { received: 1, connecting: 2, established: 3, secured: 4 },
    },
    { type: "end", id: 7, reason: "fin", at: { fin: 9 }, ...totals },
    { type: "error", id: 7, code: "connection-reset", hop: "gateway-server", message: "no", at: {}, ...totals },
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
    { type: "watching", epoch: "q4mWZbDh0s3c", position: 812, flows: [flowIdMin, 0xffff_ffff] },
    { type: "flow", id: flowIdMin, position: 813, via: "listen", port: 5008, client: endpoint, target, at: {} },
    { type: "flow", id: flowIdMin, position: 814, via: "presented", target, at: { received: 1 }, name: "brick 2" },
    { type: "gap", id: flowIdMin, position: 815, ...totals },
    { type: "end", id: flowIdMin, position: 816, reason: "fin", at: {}, ...totals },
    { type: "listening", listening: [] },
    { type: "presenting", token, key: token, viewers: 2 },
    { type: "presented-end" },
    { type: "selected", id: flowIdMin },
    { type: "selected", id: null, isAway: true },
  ])("from the gateway are read as they are written: $type", (frame) => {
    expect(decodeGatewayFrame(encodeFrame(frame))).toEqual({ frame });
  });

  test.each([
    "",
    "[]",
    '{"type":"request"}',
    '{"type":"request","id":0,"user":"brick"}',
    `{"type":"request","id":${streamIdMax + 1},"user":"brick"}`,
    '{"type":"request","id":1,"user":"brick","operation":1.5}',
    '{"type":"request","id":1,"user":"brick","arguments":[1,2,3,4]}',
    '{"type":"request","id":1,"user":"brick","target":"evil:80"}',
    '{"type":"raw","id":1,"bytes":"","end":true}',
    '{"type":"connect","id":1,"target":"mail","bytes":"?","end":true}',
    '{"type":"connect","id":1,"target":"mail:25","bytes":"","end":true}',
    '{"type":"connect","id":1,"target":"","bytes":"","end":true}',
    `{"type":"connect","id":1,"target":"${"a".repeat(33)}","bytes":"","end":true}`,
    `{"type":"connect","id":1,"target":"mail","bytes":"${"A".repeat(firstBytesMax * 2)}","end":true}`,
    '{"type":"hello"}',
    '{"type":"watch","from":{"epoch":"a","position":-1}}',
    '{"type":"watch","presentation":"short"}',
    `{"type":"set-faults","port":5008,"faults":{"latencyMs":${faultMsMax + 1}}}`,
    '{"type":"set-faults","port":5008,"faults":{"sliceBytes":0}}',
    `{"type":"select","id":${flowIdMin}}`,
    '{"type":"show","id":1,"stream":{"via":"listen","target":{},"at":{}}}',
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
