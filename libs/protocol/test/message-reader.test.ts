import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MessageReader, messageBytesMax, ProtocolError } from "@wirebook/protocol";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The bytes cut at the given places. */
function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [0, ...places.map((place) => place % (whole.length + 1)).toSorted((a, b) => a - b), whole.length];
  return edges.slice(1).map((edge, index) => whole.subarray(edges[index], edge));
}

describe("MessageReader", () => {
  test("gives the same message however its bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z 0-9]{0,30}$/),
        fc.constantFrom("\n", "\r\n"),
        fc.array(fc.nat(60)),
        (text, ending, places) => {
          const reader = new MessageReader();
          for (const chunk of cut(bytes(`${text}${ending}more\nlines`), places)) reader.push(chunk);
          expect(reader.isEnded).toBe(true);
          expect(new TextDecoder().decode(reader.held)).toBe(text);
          expect(reader.surplusBytes).toBe("more\nlines".length);
        },
      ),
    );
  });

  test("waits for the end of an unfinished message", () => {
    const reader = new MessageReader();
    reader.push(bytes("brick 1 1"));
    expect(reader.isEnded).toBe(false);
    reader.push(bytes("2"));
    reader.end();
    expect(reader.isEnded).toBe(true);
    expect(new TextDecoder().decode(reader.held)).toBe("brick 1 12");
  });

  test.each(["\n", "\r\n"])("takes a message at the limit that ends in %j", (ending) => {
    const reader = new MessageReader();
    reader.push(bytes("x".repeat(messageBytesMax)));
    reader.push(bytes(ending));
    expect(reader.isEnded).toBe(true);
    expect(reader.held.length).toBe(messageBytesMax);
  });

  test("refuses a message past the limit, however it comes, and holds no more than that", () => {
    for (const size of [1, 7, 4096]) {
      const reader = new MessageReader();
      const push = (): void => {
        for (let sent = 0; sent <= messageBytesMax; sent += size) reader.push(bytes("x".repeat(size)));
      };
      expect(push).toThrow(ProtocolError);
      expect(reader.held.length).toBeLessThanOrEqual(messageBytesMax + 2);
    }
  });
});
