import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteFrameKinds, decodeByteFrame, encodeByteFrame, encodeData, streamIdMax } from "@wirebook/protocol";
import type { ByteFrameHeader, ByteFrameKind } from "@wirebook/protocol";

const allocate = (length: number): Uint8Array => new Uint8Array(length);
const header = fc.record<ByteFrameHeader>({
  kind: fc.constantFrom(...(Object.keys(byteFrameKinds) as ByteFrameKind[])),
  leg: fc.constantFrom("target", "client"),
  isFromTarget: fc.boolean(),
  isAfterGap: fc.boolean(),
  isWaiting: fc.boolean(),
  queuedKiB: fc.nat(0xffff),
  id: fc.nat(0xffff_ffff),
  atMs: fc.double({ noNaN: true }),
});

const frameOf = (kind: number, length: number): Uint8Array => Uint8Array.of(kind, ...new Uint8Array(length - 1));

describe("a byte frame", () => {
  test("is read as it was written", () => {
    const frames = fc.tuple(header, fc.uint8Array({ maxLength: 64 }), fc.nat(0xffff_ffff));
    fc.assert(
      fc.property(frames, ([head, bytes, writtenBytes]) => {
        const body = head.kind === "written" ? writtenBytes : head.kind === "data" ? bytes : new Uint8Array(0);
        const expected = {
          ...head,
          bytes: head.kind === "data" ? bytes : new Uint8Array(0),
          writtenBytes: head.kind === "written" ? writtenBytes : 0,
        };
        expect(decodeByteFrame(encodeByteFrame(head, body, allocate))).toEqual(expected);
      }),
    );
  });

  test("has the layout of the document", () => {
    const frame = encodeByteFrame(
      { kind: "data", leg: "client", isFromTarget: true, isAfterGap: true, queuedKiB: 258, id: 0x8000_0007, atMs: 1.5 },
      Uint8Array.of(0xaa, 0xbb),
      allocate,
    );
    expect(Buffer.from(frame).toString("hex")).toBe("01070102800000073ff8000000000000aabb");
  });

  test("says at most that 65,535 KiB wait", () => {
    const frame = encodeByteFrame(
      { kind: "fin", leg: "target", isFromTarget: true, isAfterGap: false, queuedKiB: 1e6, id: 1, atMs: 0 },
      new Uint8Array(0),
      allocate,
    );
    expect(decodeByteFrame(frame)).toMatchObject({ queuedKiB: 65_535 });
  });

  test("from the page goes to the target, without a time", () => {
    const frame = decodeByteFrame(encodeData(streamIdMax, Uint8Array.of(1)));
    expect(frame).toMatchObject({ kind: "data", isFromTarget: false, id: streamIdMax, atMs: 0 });
  });

  test.each([
    [15, "a byte frame of 15 bytes is shorter than its header of 16"],
    [0, "a byte frame of 0 bytes is shorter than its header of 16"],
  ])("of %i bytes is refused", (length, sentence) => {
    expect(decodeByteFrame(new Uint8Array(length))).toBe(sentence);
  });

  test("of an unknown kind, or with bytes where none belong, is refused", () => {
    expect(decodeByteFrame(frameOf(0, 16))).toContain("unknown kind 0");
    expect(decodeByteFrame(frameOf(5, 16))).toContain("unknown kind 5");
    expect(decodeByteFrame(frameOf(2, 19))).toBe("a written frame has 3 bytes behind its header instead of 4");
    expect(decodeByteFrame(frameOf(3, 17))).toBe("a fin frame has 1 bytes behind its header instead of 0");
  });
});
