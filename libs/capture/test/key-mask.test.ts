import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ExchangeMask } from "../src/index.ts";

/** What is left of bytes that came in these pieces. */
function sent(pieces: readonly Uint8Array[], mask = new ExchangeMask()): string {
  return Buffer.concat(pieces.map((piece) => mask.push(false, piece))).toString("latin1");
}

function replied(message: string, reply: string): string {
  const mask = new ExchangeMask();
  mask.push(false, Buffer.from(message));
  return Buffer.from(mask.push(true, Buffer.from(reply))).toString();
}

describe("the mask", () => {
  test("hides a key by as many asterisks as it has bytes, and nothing else", () => {
    expect(sent([Buffer.from("brick~s3cret 2 -1\n")])).toBe("brick~****** 2 -1\n");
    expect(sent([Buffer.from("brick 2 -1\n")])).toBe("brick 2 -1\n");
    expect(sent([Buffer.from(" \u00a0brick~a~b\r\n")])).toBe(Buffer.from(" \u00a0brick~***\r\n").toString("latin1"));
  });

  test("hides the same however the bytes are cut", () => {
    const text = fc.string({ unit: fc.constantFrom("~", "a", " ", "\n", "\t", "é"), maxLength: 40 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(5), { maxLength: 20 }), (typed, sizes) => {
        const bytes = Buffer.from(typed);
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) pieces.push(bytes.subarray(at, (at += size)));
        pieces.push(bytes.subarray(at));
        const masked = sent(pieces);
        expect(masked).toBe(sent([bytes]));
        expect(masked).toHaveLength(bytes.length);
        expect(masked).toBe(
          Buffer.from(typed.replace(/~[^ \t\n]+/g, (run) => `~${"*".repeat(Buffer.from(run).length - 1)}`)).toString(
            "latin1",
          ),
        );
      }),
    );
  });

  test("leaves the caller's bytes alone", () => {
    const bytes = Buffer.from("a~bc d\n");
    new ExchangeMask().push(false, bytes);
    expect(bytes.toString()).toBe("a~bc d\n");
  });

  test("hides what the server answers to a request for a key, and no other reply", () => {
    expect(replied("brick 4\n", "otter-42~k3y\n")).toBe("otter-42~***\n");
    expect(replied("brick 04 otter", "otter~k3y\n")).toBe("otter~***\n");
    expect(replied("brick 2\n", '"a~b"\n')).toBe('"a~b"\n');
    expect(replied("brick 2 4\n", '"a~b"\n')).toBe('"a~b"\n');
  });
});
