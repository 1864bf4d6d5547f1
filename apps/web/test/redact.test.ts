import { expect, test } from "vitest";
import { hideKey, hideKeys, keyOf } from "../src/streams/keys.ts";

test("finds the key behind the name and nowhere else", () => {
  expect(keyOf("otter~s3cret 2\n")).toBe("s3cret");
  expect(keyOf("otter 2 a~b\n")).toBeUndefined();
  expect(keyOf("otter~ 2\n")).toBeUndefined();
});

test("hides the key without changing lengths", () => {
  expect(hideKey('{"user":"otter~s3cret"}', "s3cret")).toBe('{"user":"otter~******"}');
  expect(hideKey("nothing to hide", undefined)).toBe("nothing to hide");
});

test("leaves the same letters alone where they are not the key", () => {
  expect(hideKey("a~a 2", "a")).toBe("a~* 2");
});

test("hides what stands behind every tilde of a frame, up to the end of its string", () => {
  const frame = { user: "otter~s3cret", arguments: ["a~b", "~ü c"] };
  expect(JSON.parse(hideKeys(JSON.stringify(frame)))).toEqual({ user: "otter~******", arguments: ["a~*", "~** c"] });
});
