import { encodeText } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { cutCharacter, wholeCharacters } from "../src/inspector/bytes/hex.ts";

const [first, second, third] = encodeText("漢") as unknown as [number, number, number];

test("a character that two reads share is completed from the second", () => {
  expect(cutCharacter(Uint8Array.of(0x61, first), Uint8Array.of(second, third, 0x62))).toBe(2);
  expect(cutCharacter(Uint8Array.of(first, second), Uint8Array.of(third))).toBe(1);
});

test("what no read completes stays with the bytes that are no characters", () => {
  expect(cutCharacter(encodeText("a漢"), encodeText("b"))).toBe(0);
  expect(cutCharacter(Uint8Array.of(first), encodeText("b"))).toBe(0);
  expect(cutCharacter(Uint8Array.of(first), new Uint8Array(0))).toBe(0);
});

test("a part of a read is widened to whole characters", () => {
  expect(wholeCharacters(encodeText("a漢b"), 2, 3)).toEqual([1, 4]);
  expect(wholeCharacters(encodeText("ab"), -5, 9)).toEqual([0, 2]);
});
