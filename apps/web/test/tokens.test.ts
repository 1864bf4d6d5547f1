import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeText } from "@wirebook/protocol";
import { drawnTokens, tokensOf } from "../src/conversation/lines/tokens.ts";

function shown(...parts: readonly (string | readonly number[])[]): string {
  const bytes = parts.flatMap((part) => (typeof part === "string" ? [...encodeText(part)] : part));
  return tokensOf(Uint8Array.from(bytes))
    .map(({ kind, text }) => (kind === "text" ? text : `{${kind} ${text}}`))
    .join("");
}

test("names the commands of telnet, with their options", () => {
  expect(shown([255, 253, 1, 255, 251, 31], "login: ")).toBe("{telnet IAC DO ECHO}{telnet IAC WILL NAWS}login: ");
  expect(shown([255, 250, 31, 0, 80, 0, 24, 255, 240], "a", [255, 249])).toBe(
    "{telnet IAC SB NAWS 00 50 00 18 IAC SE}a{telnet IAC GA}",
  );
  expect(shown([255, 254, 99, 255, 255])).toBe("{telnet IAC DONT 99}{telnet IAC IAC}");
  expect(shown([255, 253])).toBe("{telnet IAC DO}");
});

test("shows escape sequences and control characters, and acts on none", () => {
  expect(shown("\u001b[31mred\u001b[0m")).toBe("{escape ESC[31m}red{escape ESC[0m}");
  expect(shown("\u001b]0;title\u0007x")).toBe("{escape ESC]0;title␇}x");
  expect(shown("\u001b]8;;a\u001b\\b\u001bM\u001b")).toBe("{escape ESC]8;;aESC\\}b{escape ESCM}{escape ESC}");
  expect(shown("a\u0000\u0008\u007f\tb\r\n")).toBe("a{control ␀}{control ␈}{control ␡}\tb{control ␍}{control ␊}");
});

test("shows bytes that are not UTF-8 by their number", () => {
  expect(shown([0xe2, 0x82], "a", [0xff])).toBe("{invalid \\xe2\\x82}a{invalid \\xff}");
  expect(shown("€")).toBe("€");
});

test("escapes what would turn the reading direction, hide, or reach into other lines", () => {
  expect(shown("a\u202eb\u200bc")).toBe("a{control \\u202e}b{control \\u200b}c");
  expect(shown(`e${"\u0301".repeat(5)}`)).toBe("e\u0301\u0301\u0301{control \\u0301\\u0301}");
  expect(shown("é \u05e9\u05b8\u05c1")).toBe("é \u05e9\u05b8\u05c1");
});

test("whatever comes, nothing invisible is left", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = tokensOf(bytes)
        .map((token) => token.text)
        .join("");
      expect(text).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test("names each control character", () => {
  const names = tokensOf(Uint8Array.of(0, 13, 10, 127)).map(({ name }) => name);
  expect(names).toEqual(["NUL", "CR", "LF", "DEL"]);
});

test("draws a flood of commands and control characters with few marks, and says every one of them", () => {
  const telnet = Uint8Array.from({ length: 3000 }, (_, at) => [255, 251, 1][at % 3] as number);
  expect(drawnTokens(telnet)).toEqual([{ kind: "telnet", text: Array(1000).fill("IAC WILL ECHO").join(" ") }]);
  expect(drawnTokens(new Uint8Array(3))).toEqual([{ kind: "control", text: "␀␀␀", name: "NUL NUL NUL" }]);
  const mixed = encodeText("a\u0000b\n".repeat(1000));
  const drawn = drawnTokens(mixed);
  expect(drawn.length).toBeLessThanOrEqual(101);
  expect(drawn.map(({ text, name }) => text + (name === "LF" ? "\n" : "")).join("")).toBe("a␀b␊\n".repeat(1000));
});
