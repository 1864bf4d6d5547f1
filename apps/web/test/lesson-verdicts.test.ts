/** Which prediction each lesson calls right, for runs as they ordinarily go and for those that a busy machine makes. */

import { encodeText, joinBytes } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { encodeClientFrame, opcodes } from "../src/lessons/08-websocket.ts";
import { contents } from "../src/lessons/contents.ts";
import type { Facts } from "../src/lessons/facts.ts";

const nothing: Facts = {
  startMs: 0,
  handshakeMs: undefined,
  securedMs: undefined,
  tls: undefined,
  waitMs: undefined,
  restMs: undefined,
  totalMs: 0,
  writes: [],
  reads: [],
  writeCount: 0,
  readCount: 0,
  sentBytes: 0,
  receivedBytes: 0,
  isTargetFirst: false,
  fins: [],
  bytesAfterOwnFin: 0,
  failure: undefined,
  isLeft: false,
  firstSent: new Uint8Array(),
  firstReceived: new Uint8Array(),
};

const answered = { receivedBytes: 482, fins: ["target", "gateway"] } as const;
const refused = { failure: "connect-refused" } as const;
const reset = { failure: "connection-reset" } as const;
const accepted = encodeText("HTTP/1.1 101 Switching Protocols\r\n\r\n");
const text = { firstReceived: joinBytes(accepted, encodeClientFrame(opcodes.text, encodeText("Hello"))) };
const served = (ms: number) => ({ reads: [{ bytes: 10, ms }] });
const wait = (waitMs: number) => ({ waitMs, receivedBytes: 1 });

type Verdict = readonly [lesson: string, right: string, ...runs: Partial<Facts>[]];

const verdicts: readonly Verdict[] = [
  ["handshake", "wait", { handshakeMs: 0.3, waitMs: 3, restMs: 1 }],
  ["handshake", "handshake", { handshakeMs: 90, waitMs: 3, restMs: 1 }],
  ["handshake", "rest", { handshakeMs: 0.3, waitMs: 3, restMs: 80 }],
  ["stream", "first", { readCount: 10 }, { readCount: 1 }],
  ["stream", "same", { readCount: 1 }, { readCount: 1 }],
  ["stream", "second", { readCount: 1 }, { readCount: 2 }],
  ["message-end", "late", wait(3), wait(4), wait(254)],
  ["message-end", "same", wait(300), wait(290), wait(310)],
  ["message-end", "never", wait(3), wait(4), { totalMs: 20_000, isLeft: true }],
  ["half-close", "whole", answered, { receivedBytes: 482, fins: ["gateway", "target"], bytesAfterOwnFin: 482 }],
  ["half-close", "nothing", answered, { fins: ["gateway", "target"] }],
  ["half-close", "part", answered, { receivedBytes: 100, fins: ["gateway"], ...reset }],
  ["failures", "two", refused, reset, { isLeft: true }],
  ["failures", "all", refused, reset, reset],
  ["failures", "fewer", refused, { fins: ["target"] }, { isLeft: true }],
  ["back-pressure", "more", { sentBytes: 2_600_000, ...reset }],
  ["back-pressure", "window", { sentBytes: 65_535 }],
  ["back-pressure", "all", { sentBytes: 8_388_608 }],
  ["queue", "three", served(300), served(601), served(902), served(1203)],
  ["queue", "one", served(600), served(900), served(300), served(1200)],
  ["websocket", "closed", text, {}],
  ["websocket", "both-plain", text, text],
  ["durable", "reply", { sentBytes: 11, receivedBytes: 482 }, { sentBytes: 10, ...reset }],
  ["durable", "neither", { sentBytes: 11 }, { sentBytes: 10, ...reset }],
  ["greeting", "one", { isTargetFirst: true }, {}],
  ["greeting", "none", {}, {}],
  ["tls", "more", {}, { handshakeMs: 0.4, securedMs: 6 }],
  ["tls", "less", {}, { handshakeMs: 40, securedMs: 6 }],
  ["tls", "none", {}, { handshakeMs: 0.4, failure: "tls-failed" }],
];

for (const [id, right, ...runs] of verdicts) {
  test(`${id}: ${right} is right`, async () => {
    const { lesson } = (await contents.find((each) => each.id === id)?.load()) ?? {};
    const facts = runs.map((run) => ({ ...nothing, ...run }));
    expect(lesson?.answer(facts)).toBe(right);
  });
}

test("has a verdict of each lesson", () => {
  expect(new Set(verdicts.map(([id]) => id))).toEqual(new Set(contents.map(({ id }) => id)));
});
