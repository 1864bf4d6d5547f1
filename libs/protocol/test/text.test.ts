import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeText, encodeText, isUtf8, plainText, quoteText } from "@wirebook/protocol";

const dangerous = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

describe("text", () => {
  test("gives any bytes back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(encodeText(decodeText(bytes))).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test("gives every pair of bytes back through a quoted string that holds nothing dangerous", () => {
    for (let pair = 0; pair < 0x10000; pair++) {
      const bytes = Uint8Array.of(pair >> 8, pair & 0xff);
      const quoted = quoteText(decodeText(bytes));
      if (dangerous.test(quoted)) throw new Error(`${pair.toString(16)} is left raw in ${JSON.stringify(quoted)}`);
      const back = encodeText(JSON.parse(quoted) as string);
      if (back[0] !== bytes[0] || back[1] !== bytes[1] || back.length !== 2)
        throw new Error(`${pair.toString(16)} is lost`);
    }
  });

  test("tells UTF-8 from what is none", () => {
    expect(isUtf8(new TextEncoder().encode("zażółć 🦦"))).toBe(true);
    expect(isUtf8(Uint8Array.of(0xc0, 0x80))).toBe(false);
    expect(isUtf8(Uint8Array.of(0xed, 0xa0, 0x80))).toBe(false);
  });

  test("keeps a truncated sequence byte by byte", () => {
    expect(decodeText(Uint8Array.of(0x61, 0xf0, 0x9f, 0xa6))).toBe("a\udcf0\udc9f\udca6");
  });

  test("decodes text beside bytes that are none", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 8 }), fc.uint8Array({ maxLength: 4 }), (text, bytes) => {
        const before = new TextEncoder().encode(text);
        const joined = Uint8Array.of(...before, 0xff, ...bytes);
        expect(decodeText(joined)).toBe(`${text}\udcff${decodeText(bytes)}`);
      }),
      { numRuns: 2000 },
    );
  });

  // Where a decoder throws for each byte, this takes six seconds of the processor, and a message of 2,048 such bytes stops a
  // server for 60 ms.
  test("decodes a mebibyte that is no text without delay", () => {
    const bytes = new Uint8Array(1024 * 1024).fill(0xff);
    const before = process.threadCpuUsage();
    expect(decodeText(bytes).length).toBe(bytes.length);
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2000);
  });

  test("escapes what nothing would show, so that two texts that differ look different", () => {
    expect(quoteText("otter\ufe0f \u3164 \u{e0100}")).toBe('"otter\\ufe0f \\u3164 \\udb40\\udd00"');
    expect(plainText("otter\u034f")).toBe("otter\\u034f");
    expect(JSON.parse(quoteText("\u{e0100}"))).toBe("\u{e0100}");
  });

  test("escapes what would turn the reading direction, and leaves letters alone", () => {
    expect(quoteText("a\u202eb é 🦦")).toBe('"a\\u202eb é 🦦"');
    expect(plainText("a\tb\u2066\ud800")).toBe("a\\u0009b\\u2066\\ud800");
  });
});
