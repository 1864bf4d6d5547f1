import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeMessage,
  encodeText,
  redactKeys,
  keyRunCharactersMin,
  looksLikeKey,
  redactMessage,
} from "@wirebook/protocol";

const key = "7d2mqk0x9rcv41hzw8tbn53yfe";

describe("a key", () => {
  test.each([
    ["otter~s3cret 2", "otter 2"],
    [" \totter~s3~cret", " \totter"],
    ["~s3cret 1 2", " 1 2"],
    ["brick 2 otter~s3cret", "brick 2 otter~…"],
    ["brick ~s3cret", "brick ~…"],
    [`brick 2 ${key}`, "brick 2 …"],
    [`${key} 2`, "… 2"],
    [`brick ~ ${key}`, "brick ~ …"],
    [`GET /?u=otter~s3cret HTTP/1.1`, "GET /?u=otter HTTP/1.1".replace("/?u=otter", "/?u=otter~…")],
    ["GET /~s3cret", "GET /~…"],
  ])("of %j is not in what the history keeps", (message, kept) => {
    expect(redactMessage(message)).toBe(kept);
  });

  test("is known with a letter missing, wrong or too many", () => {
    for (let at = 0; at < key.length; at++) {
      const [before, after] = [key.slice(0, at), key.slice(at + 1)];
      for (const typed of [before + after, `${before}z${after}`, `${before}zz${after}`]) {
        expect(redactKeys(`brick 2 ${typed}`)).toBe("brick 2 …");
      }
    }
  });

  test("is not seen in what people have reason to type", () => {
    for (const word of [
      "2026-11-22T20:31:05.123456Z",
      "1".repeat(40),
      "x".repeat(40),
      "otter-42",
      "a-name-of-many-words-2026-11-22",
    ]) {
      expect(looksLikeKey(word)).toBe(false);
    }
  });

  test("begins to look like one at the limit", () => {
    const word = key.slice(0, keyRunCharactersMin);
    expect([looksLikeKey(word), looksLikeKey(word.slice(1))]).toEqual([true, false]);
  });

  test("behind a tilde is in nothing that is shown, whatever is around it", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        fc.pre(!/\s$|^$/u.test(before) || before === "");
        const message = `${before}~s3cret${after}`;
        expect(redactKeys(message)).not.toContain("s3cret");
        expect(redactMessage(message)).not.toContain("s3cret");
      }),
    );
  });

  test("does not stand in the way of reading the message", () => {
    const { user, key: found, words } = decodeMessage(encodeText(`otter-42~${key} 2`));
    expect([user, found, words]).toEqual(["otter-42", key, ["2"]]);
  });
});
