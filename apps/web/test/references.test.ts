import { describe, expect, test } from "vitest";
import { addressOf, rfc, rule } from "../src/inspector/notes/references.ts";

describe("a rule of this project's documents", () => {
  test.each([
    ["https://github.com/o/r", "https://github.com/o/r/blob/HEAD/docs/protocol.md#w-8"],
    ["https://github.com/o/r.git", "https://github.com/o/r/blob/HEAD/docs/protocol.md#w-8"],
    ["https://gitlab.com/o/r/", "https://gitlab.com/o/r/-/blob/HEAD/docs/protocol.md#w-8"],
  ])("is a link where the server's link is the repository %s", (link, expected) => {
    expect(addressOf(rule("W", 8), link)).toBe(expected);
  });

  test.each(["", "see --link", "https://example.org/o/r", "http://github.com/o/r", "https://github.com/o/r/issues"])(
    "is no link where the server's link is %j",
    (link) => {
      expect(addressOf(rule("W", 8), link)).toBeUndefined();
      expect(rule("W", 8)).toMatchObject({ label: "[W-8]", title: "Protocol, rule W-8 (docs/protocol.md)" });
    },
  );
});

test("a section of an RFC is a link wherever the page is", () => {
  expect(addressOf(rfc(6455, "5.3"), "")).toBe("https://www.rfc-editor.org/rfc/rfc6455#section-5.3");
});
