import { decodeText } from "@wirebook/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TextStream } from "../src/output/text.ts";

test("text is the same however its bytes are cut, also where they are not UTF-8", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .string({ unit: fc.nat(0x10ffff).map((code) => String.fromCodePoint(code)), maxLength: 20 })
      .map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(40), { maxLength: 10 }), (whole, cuts) => {
      const edges = [
        0,
        ...cuts.map((at) => Math.min(at, whole.length)).toSorted((one, other) => one - other),
        whole.length,
      ];
      const stream = new TextStream();
      let text = "";
      for (const [index, edge] of edges.slice(1).entries()) text += stream.push(whole.subarray(edges[index], edge));
      expect(text + stream.finish()).toBe(decodeText(whole));
    }),
    { numRuns: 500 },
  );
});

test("a whole character is not held back", () => {
  const stream = new TextStream();
  expect(stream.push(Buffer.from("é€😀"))).toBe("é€😀");
  expect(stream.push(Buffer.from("😀").subarray(0, 3))).toBe("");
  expect(stream.push(Buffer.from("😀").subarray(3))).toBe("😀");
});
