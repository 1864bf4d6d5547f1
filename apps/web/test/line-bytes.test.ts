import { encodeText } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { decodeHex, encodeHex, encodeLines } from "../src/conversation/line-bytes.ts";

describe("lines with their end", () => {
  test.each([
    ["PING", "CRLF", "PING\r\n"],
    ["PING", "LF", "PING\n"],
    ["PING", "CR", "PING\r"],
    ["PING", "none", "PING"],
    ["", "CRLF", "\r\n"],
    ["", "none", ""],
    ["EHLO x\nNOOP", "CRLF", "EHLO x\r\nNOOP\r\n"],
    ["a\r\nb\rc", "LF", "a\nb\nc\n"],
    ["a\nb", "none", "a\nb"],
    ["grün", "CRLF", "grün\r\n"],
    ["one\r\ntwo\r\n", "LF", "one\ntwo\n"],
    ["GET / HTTP/1.1\n\n", "CRLF", "GET / HTTP/1.1\r\n\r\n"],
  ] as const)("%j with %s are %j", (text, lineEnd, bytes) => {
    expect(encodeLines(text, lineEnd)).toEqual(encodeText(bytes));
  });
});

describe("bytes in hex", () => {
  test.each(["50 49 4e 47 0d 0a", "50494e470d0a", "50:49:4E:47:0D:0A", " 50, 49,4e 47\n0d0a "])("reads %j", (text) => {
    expect(decodeHex(text)).toEqual(encodeText("PING\r\n"));
  });

  test.each([
    ["50 4g", '"g" at character 5 is no hex digit; type digits 0-9 and a-f'],
    ["50 é", '"é" at character 4 is no hex digit; type digits 0-9 and a-f'],
    ["50 4", 'the byte at character 4 has one digit, "4"; a byte has two, such as 0d'],
    ["504 50", 'the byte at character 3 has one digit, "4"; a byte has two, such as 0d'],
  ])("says what is wrong in %j, and where", (text, problem) => {
    expect(decodeHex(text)).toBe(problem);
  });

  test("is read back from what was written", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(decodeHex(encodeHex(bytes))).toEqual(bytes);
  });
});
