import { describe, expect, test } from "vitest";
import { frameHeader } from "../src/inspector/frame-header.ts";

const hex = (of: ReturnType<typeof frameHeader>) => of.fields.map((field) => field.hex).join(" ");

describe("the header of a frame", () => {
  test.each([
    [125, 2, 6],
    [126, 4, 8],
    [65_535, 4, 8],
    [65_536, 10, 14],
  ])("with a payload of %i bytes has %i bytes, masked %i", (payload, plain, masked) => {
    expect(frameHeader("received", "binary", payload).bytes).toBe(plain);
    expect(frameHeader("sent", "binary", payload).bytes).toBe(masked);
  });

  test("is that of RFC 6455's examples", () => {
    expect(hex(frameHeader("received", "text", 5))).toBe("81 05");
    expect(hex(frameHeader("sent", "text", 5))).toBe("81 85 ·· ·· ·· ··");
    expect(hex(frameHeader("received", "binary", 256))).toBe("82 7e 01 00");
    expect(hex(frameHeader("received", "binary", 65_536))).toBe("82 7f 00 00 00 00 00 01 00 00");
  });
});
