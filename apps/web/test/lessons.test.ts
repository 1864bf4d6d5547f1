import { readdir } from "node:fs/promises";
import { encodeText, findScheduleProblem, joinBytes, readRate } from "@wirebook/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeHex } from "../src/conversation/line-bytes.ts";
import { sizes } from "../src/lessons/facts.ts";
import type { Facts } from "../src/lessons/facts.ts";
import { contents } from "../src/lessons/contents.ts";
import { encodeClientFrame, framesIn, opcodes } from "../src/lessons/08-websocket.ts";

// Few values often, so that equal ones meet.
const ms = fc.oneof(fc.constantFrom(0, 1, 250), fc.double({ min: 0, max: 30_000, noNaN: true }));
const count = fc.oneof(fc.constantFrom(0, 1, 2), fc.nat());
const side = fc.constantFrom("gateway" as const, "target" as const);
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const parts = fc.array(fc.record({ bytes: fc.nat(70_000), ms }), { maxLength: 9 });

const tls = {
  version: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  alpn: null,
  peer: { subject: "CN=a", issuer: "CN=b", validFrom: "", validTo: "" },
};
/** What a lesson looks at may be frames behind a handshake, or anything else. */
const firstBytes = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc
    .array(fc.tuple(fc.constantFrom(1, 8, 2), fc.uint8Array({ maxLength: 4 }), maybe(fc.constant(encodeText("keys")))))
    .map((frames) =>
      frames.map((frame) => encodeClientFrame(...frame)).reduce(joinBytes, encodeText("GET / HTTP/1.1\r\n\r\n")),
    ),
);

/** Any facts at all, also those that no kernel would make: a lesson must have a sentence for each. */
const anyFacts: fc.Arbitrary<Facts> = fc.record({
  startMs: ms,
  handshakeMs: maybe(ms),
  securedMs: maybe(ms),
  tls: maybe(fc.constant(tls)),
  waitMs: maybe(ms),
  restMs: maybe(ms),
  totalMs: ms,
  writes: parts,
  reads: parts,
  writeCount: count,
  readCount: count,
  sentBytes: count,
  receivedBytes: count,
  isTargetFirst: fc.boolean(),
  fins: fc.uniqueArray(side, { maxLength: 2 }),
  bytesAfterOwnFin: count,
  failure: maybe(fc.constantFrom("connect-refused" as const, "connection-reset" as const, "connect-timeout" as const)),
  isLeft: fc.boolean(),
  firstSent: firstBytes,
  firstReceived: firstBytes,
});

describe.each(contents)("the lesson $id", ({ id, load }) => {
  it("decides each run, and has a sentence for it", async () => {
    const { lesson } = await load();
    const orders = lesson.orders("otter");
    const differing = fc.array(anyFacts, { minLength: orders.length, maxLength: orders.length });
    const alike = anyFacts.map((facts) => orders.map(() => facts));
    fc.assert(
      fc.property(fc.oneof(differing, alike), (runs) => {
        expect(lesson.choices).toHaveProperty(lesson.answer(runs));
        const observations = lesson.observe(runs);
        expect(observations.length).toBeGreaterThan(0);
        for (const { run = 0 } of observations) expect(orders[run]).toBeDefined();
        const texts = [
          ...observations,
          ...Object.keys(lesson.choices).map((choice) => ({ text: lesson.correct(runs, choice) })),
        ];
        for (const { text } of texts) {
          expect(text).toMatch(/^[A-Z0-9].*[.?]$/u);
          expect(text).not.toMatch(/NaN|undefined|Infinity|null/);
        }
      }),
    );
  });

  it("has orders that the gateway carries out, and names that can be told apart", async () => {
    const { lesson } = await load();
    for (const { writes, end, gapMs = 0, read, deeds } of lesson.orders("otter")) {
      if (read !== undefined) expect(readRate.parse(read)).toEqual(read);
      const schedule = writes.map((text) => ({ afterMs: gapMs, bytes: encodeText(text).length }));
      if (writes.length < 2) continue;
      expect(findScheduleProblem(schedule, encodeText(writes.join("")).length)).toBeUndefined();
      // Nothing can be added to a write schedule.
      expect([end, deeds]).toEqual([undefined, undefined]);
    }
    for (const names of [
      lesson.orders("otter").map(({ name }) => name),
      Object.values(lesson.choices).map(([, said]) => said),
    ]) {
      expect(new Set(names).size).toBe(names.length);
    }
    expect(lesson.why.length).toBeGreaterThan(0);
    expect(lesson.standards.length).toBeGreaterThan(0);
    expect(id).toMatch(/^[a-z][a-z-]+$/);
  });
});

it("lists each lesson that there is", async () => {
  const files = (await readdir(new URL("../src/lessons", import.meta.url))).filter((name) => /^\d\d-/.test(name));
  expect(contents).toHaveLength(files.length);
  expect(new Set(contents.map((each) => each.id)).size).toBe(contents.length);
});

it("lists the sizes of reads, and counts those that are too many", () => {
  const part = { bytes: 1, ms: 0 };
  expect(sizes([])).toBe("0 bytes");
  expect(sizes([part])).toBe("1 byte");
  expect(sizes([part, part, { bytes: 1448, ms: 1 }])).toBe("1, 1 and 1,448 bytes");
  expect(sizes(Array.from({ length: 8 }, () => part))).toBe("1, 1, 1, 1, 1, 1 bytes and 2 more");
});

describe("the WebSocket frames of a stream", () => {
  const head = encodeText("GET / HTTP/1.1\r\n\r\n");
  const payload = fc.uint8Array({ maxLength: 125 });
  const key = maybe(fc.uint8Array({ minLength: 4, maxLength: 4 }));

  it("are found behind the handshake, with and without a mask", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(payload, key), { maxLength: 4 }), (messages) => {
        const encoded = messages.map((message) => encodeClientFrame(opcodes.text, ...message));
        const found = framesIn(encoded.reduce(joinBytes, head));
        expect(found.map(({ from, to }) => to - from)).toEqual(encoded.map(({ length }) => length));
        expect(found.map(({ isMasked }) => isMasked)).toEqual(messages.map(([, mask]) => mask !== undefined));
        const plain = messages.map(([bytes, mask]) => (mask === undefined ? encodeHex(bytes) : undefined));
        for (const [at, hex] of plain.entries()) if (hex !== undefined) expect(found[at]?.payload).toBe(hex);
      }),
    );
    // RFC 6455, section 5.7.
    const masked = encodeClientFrame(opcodes.text, encodeText("Hello"), Uint8Array.of(0x37, 0xfa, 0x21, 0x3d));
    expect(encodeHex(masked)).toBe("81 85 37 fa 21 3d 7f 9f 4d 51 58");
  });

  it("are none in other bytes, and none that is cut", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(framesIn(bytes)).toEqual([]);
      }),
    );
    const frame = encodeClientFrame(opcodes.text, encodeText("Hello"));
    for (let cut = 1; cut <= frame.length; cut += 1) {
      expect(framesIn(joinBytes(head, frame.subarray(0, -cut)))).toEqual([]);
    }
  });
});
