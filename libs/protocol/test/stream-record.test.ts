import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countsOnly, encodeText, StreamRecord } from "@wirebook/protocol";

const everything = { firstEventsKept: 1000, lastEventsKept: 1000, bytesKept: 1e6 };

const sum = (all: readonly { byteCount: number }[]): number =>
  all.reduce((bytes, { byteCount }) => bytes + byteCount, 0);

describe("the record of a stream", () => {
  test("has reads and writes in the order in which they happened, each with its offset", () => {
    const record = new StreamRecord(everything);
    record.sending(encodeText("brick 2\n"));
    record.wrote(3, 1);
    record.read(encodeText("ab"), 2);
    record.wrote(5, 3);
    record.read(encodeText("cde"), 4);
    record.ended("fin", true, 5);
    expect(record.events).toMatchObject([
      { isFromTarget: false, number: 0, offset: 0, byteCount: 3, bytes: encodeText("bri") },
      { isFromTarget: true, number: 0, offset: 0, byteCount: 2 },
      { isFromTarget: false, number: 1, offset: 3, byteCount: 5, bytes: encodeText("ck 2\n") },
      { isFromTarget: true, number: 1, offset: 2, byteCount: 3 },
      { kind: "fin", isFromTarget: true, offset: 5, byteCount: 0 },
    ]);
    expect(record).toMatchObject({ sentBytes: 8, receivedBytes: 5, writeCount: 2, readCount: 2 });
    expect(record.at).toEqual({ written: 1, firstByte: 2, fin: 5 });
    expect(record.omitted).toEqual({ events: 0, sentBytes: 0, receivedBytes: 0 });
  });

  test("has the reads of a flow on both legs, and when the other leg took those that waited", () => {
    const record = new StreamRecord(everything);
    record.wrote(encodeText("ab"), 1, { leg: "client" });
    record.wrote(encodeText("cde"), 2, { leg: "client", isWaiting: true });
    record.wrote(encodeText("f"), 3, { leg: "client", isWaiting: true });
    record.taken(3, false, 4);
    record.taken(1, false, 5);
    record.read(encodeText("x"), 6);
    record.taken(1, true, 7, { leg: "client" });
    expect(record.events).toMatchObject([
      { kind: "data", leg: "client", offset: 0, bytes: encodeText("ab") },
      { kind: "data", leg: "client", offset: 2, bytes: encodeText("cde") },
      { kind: "data", leg: "client", offset: 5 },
      { kind: "written", leg: "target", isFromTarget: false, offset: 2, byteCount: 3, bytes: undefined },
      { kind: "written", leg: "target", offset: 5, byteCount: 1 },
      { kind: "data", leg: "target", isFromTarget: true, offset: 0 },
      { kind: "written", leg: "client", isFromTarget: true },
    ]);
    expect(record).toMatchObject({ sentBytes: 6, receivedBytes: 1, writeCount: 3, readCount: 1 });
  });

  test("counts the bytes of missing frames once, and marks what follows them", () => {
    const record = new StreamRecord(everything);
    record.wrote(encodeText("ab"), 1, { leg: "client" });
    record.missed(10, 20);
    record.missed(10, 20);
    record.read(encodeText("x"), 2);
    record.read(encodeText("y"), 3);
    record.wrote(encodeText("z"), 4, { leg: "client" });
    expect(record.events.map(({ offset, isAfterGap }) => [offset, isAfterGap])).toEqual([
      [0, false],
      [20, true],
      [21, false],
      [10, true],
    ]);
    expect(record.omitted).toEqual({ events: 0, sentBytes: 8, receivedBytes: 20 });
  });

  test("joins what one write took of several pieces, and does not invent what it was not given", () => {
    const record = new StreamRecord(everything);
    record.sending(encodeText("ab"));
    record.sending(encodeText("cd"));
    record.wrote(3, 1);
    record.wrote(4, 2);
    expect(record.writes.map(({ bytes }) => bytes)).toEqual([encodeText("abc"), undefined]);
  });

  test("keeps the first events and the newest, and counts those between", () => {
    const record = new StreamRecord({ firstEventsKept: 2, lastEventsKept: 3, bytesKept: 1e6 });
    for (let count = 1; count <= 100; count += 1) record.read(new Uint8Array(count), count);
    expect(record.reads.map(({ byteCount }) => byteCount)).toEqual([1, 2, 98, 99, 100]);
    expect(record.reads.map(({ index }) => index)).toEqual([0, 1, 97, 98, 99]);
    expect(record.omitted).toEqual({ events: 95, sentBytes: 0, receivedBytes: 5050 - 3 - 297 });
    expect(record.bytesKept).toBe(300);
  });

  test("knows the newest event, if it keeps any", () => {
    const record = new StreamRecord({ firstEventsKept: 2, lastEventsKept: 1, bytesKept: 1 });
    const counting = new StreamRecord(countsOnly);
    expect(record.latest).toBeUndefined();
    for (let count = 1; count <= 10; count += 1) {
      for (const each of [record, counting]) each.read(new Uint8Array(1), count);
      expect(record.latest).toMatchObject({ atMs: count, bytes: new Uint8Array(1) });
    }
    expect(counting.latest).toBeUndefined();
  });

  test("keeps the newest bytes, and how many the others were", () => {
    const record = new StreamRecord({ ...everything, bytesKept: 10 });
    for (let count = 0; count < 5; count += 1) record.read(new Uint8Array(4), count);
    expect(record.reads.map(({ byteCount, bytes }) => [byteCount, bytes?.length])).toEqual([
      [4, undefined],
      [4, undefined],
      [4, undefined],
      [4, 4],
      [4, 4],
    ]);
    expect(record.releaseBytes()).toBe(8);
    expect(record.bytesKept).toBe(0);
    expect(record.reads.every(({ bytes }) => bytes === undefined)).toBe(true);
  });

  test("notes a read whose bytes are gone", () => {
    const record = new StreamRecord(everything);
    record.read(7, 1);
    record.read(encodeText("ab"), 2);
    expect(record.reads).toMatchObject([
      { offset: 0, byteCount: 7, bytes: undefined },
      { offset: 7, byteCount: 2, bytes: encodeText("ab") },
    ]);
    expect([record.receivedBytes, record.bytesKept]).toEqual([9, 2]);
  });

  test("may keep counts alone", () => {
    const record = new StreamRecord(countsOnly);
    record.sending(new Uint8Array(7));
    record.wrote(7, 1);
    record.read(new Uint8Array(9), 2);
    expect(record.events).toEqual([]);
    expect(record).toMatchObject({ sentBytes: 7, receivedBytes: 9, bytesKept: 0 });
    expect(record.omitted).toEqual({ events: 2, sentBytes: 7, receivedBytes: 9 });
  });

  test("counts every byte once, kept or omitted, however its bounds are", () => {
    const sizes = fc.array(fc.tuple(fc.boolean(), fc.nat(50)), { maxLength: 200 });
    const bounds = fc.record({ firstEventsKept: fc.nat(9), lastEventsKept: fc.nat(9), bytesKept: fc.nat(200) });
    fc.assert(
      fc.property(bounds, sizes, (kept, events) => {
        const record = new StreamRecord(kept);
        for (const [isFromTarget, byteCount] of events) {
          if (isFromTarget) record.read(new Uint8Array(byteCount), 0);
          else {
            record.sending(new Uint8Array(byteCount));
            record.wrote(byteCount, 0);
          }
        }
        expect(sum(record.reads) + record.omitted.receivedBytes).toBe(record.receivedBytes);
        expect(sum(record.writes) + record.omitted.sentBytes).toBe(record.sentBytes);
        expect(record.events.length + record.omitted.events).toBe(events.length);
        const held = record.events.reduce((bytes, event) => bytes + (event.bytes?.length ?? 0), 0);
        expect(record.bytesKept).toBe(held);
        expect(held).toBeLessThanOrEqual(kept.bytesKept);
      }),
    );
  });
});
