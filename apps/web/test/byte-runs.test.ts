import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeFrame, encodeText, redactMessage } from "@wirebook/protocol";
import { frameHeader } from "../src/inspector/frame-header.ts";
import { runsOfFrame, runsOfLine, spanAt, touches } from "../src/inspector/byte-runs.ts";
import type { ByteRun } from "../src/inspector/byte-runs.ts";

const time = "2026-11-22T20:31:05.123456Z";

/** The own bytes that stand for bytes of the stream, as text. */
function shownFor(own: string, segments: readonly ByteRun[], offset: number, to = offset + 1): string {
  const bytes = encodeText(own);
  const lit = [...bytes.keys()].filter((at) =>
    touches(spanAt(segments, "sent", at), { stream: "sent", from: offset, to }),
  );
  return new TextDecoder().decode(Uint8Array.from(lit, (at) => bytes[at] as number));
}

const hex = (of: ReturnType<typeof frameHeader>) => of.fields.map((field) => field.hex).join(" ");

describe("segments", () => {
  test("find each word of a request in its frame, behind the one before", () => {
    const payload = encodeFrame({ type: "request", id: 2, user: "brick", operation: 2, arguments: [-2, 2] });
    const segments = runsOfFrame(payload, "brick 2 -2 2\n");
    const message = "brick 2 -2 2\n";
    const shown = [...message].map((_, at) => shownFor(payload, segments, at)).join("");
    expect(shown).toBe("brick2-22");
    expect(segments[1]?.from).toBe(payload.indexOf('"operation":2') + '"operation":'.length);
  });

  test("map four characters of base64 to three bytes", () => {
    const payload = encodeFrame({ type: "connect", id: 2, target: "wirebook", bytes: btoa("brick 2\n"), end: false });
    const segments = runsOfFrame(payload, "brick 2\n");
    expect(shownFor(payload, segments, 0)).toBe(btoa("bri"));
    expect(shownFor(payload, segments, 7)).toBe("Mgo=");
  });

  test("find the message in its line of the history, whatever had to be escaped", () => {
    const line = encodeRequestEntry(time, "127.0.0.1", 'br"ä\u001bk\udcff 2', false);
    const message = 'br"ä\u001bk\udcff 2\n';
    const segments = runsOfLine(line, message);
    expect(shownFor(line, segments, 0)).toBe("b");
    expect(shownFor(line, segments, 2)).toBe('\\"');
    expect(shownFor(line, segments, 3, 5)).toBe("ä");
    expect(shownFor(line, segments, 5)).toBe("\\u001b");
    expect(shownFor(line, segments, 7)).toBe("\\udcff");
    expect(shownFor(line, segments, 9)).toBe("2");
    expect(shownFor(line, segments, 10)).toBe("");
  });

  test("skip a key, which the history does not have", () => {
    const message = "brick~***** 2\n";
    const line = encodeRequestEntry(time, "127.0.0.1", redactMessage(message.trimEnd()), false);
    const segments = runsOfLine(line, message);
    expect(shownFor(line, segments, 4)).toBe("k");
    expect(shownFor(line, segments, 6)).toBe("");
    expect(shownFor(line, segments, 12)).toBe("2");
  });

  test("give back every byte of a printable message once", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-}]{1,12}( [!-}]{1,8}){0,3}$/), (message) => {
        fc.pre(!message.includes("~"));
        const line = encodeRequestEntry(time, "::1", message, false);
        const segments = runsOfLine(line, message);
        const shown = [...message].map((_, at) => shownFor(line, segments, at)).join("");
        expect(shown).toBe(JSON.stringify(message).slice(1, -1));
      }),
    );
  });
});

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
