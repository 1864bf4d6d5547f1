import { encodeRequestEntry, encodeResultEntry, encodeTime } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { lastTimeIn } from "../src/file/monotonic-clock.ts";
import { classifyTail } from "../src/file/open.ts";

const time = encodeTime(1_795_379_465_123_456);
const own = [
  encodeRequestEntry(time, "127.0.0.1", 'brick "1" ü', false),
  encodeRequestEntry(time, "::1", "x", true),
  encodeResultEntry(time, "127.0.0.1", "brick", { verb: "deleted-line", line: 3, head: time }),
  encodeResultEntry(time, "127.0.0.1", "brick", { verb: "deleted-all" }),
];

describe("classifyTail", () => {
  test.each(own)("takes every start of an own line for partial, and the whole of it for whole: %s", (line) => {
    const bytes = Buffer.from(line);
    const whole = [bytes.length];
    // What stands in front of the mark of a cut message is a whole line too; nothing can tell it apart.
    if (line.endsWith(" (cut)")) whole.push(bytes.length - " (cut)".length);
    for (let length = 1; length <= bytes.length; length++) {
      expect(classifyTail(bytes.subarray(0, length)), `${length} bytes`).toBe(
        whole.includes(length) ? "whole" : "partial",
      );
    }
  });

  test.each([
    "delete_all by brick at 2023-01-01 10:00:00",
    "a note",
    "20 lines",
    "2026-11-22 10:00",
    " 2026",
    "\r",
    "ÿ",
  ])("takes what somebody else wrote for whole: %o", (line) =>
    expect(classifyTail(Buffer.from(line, "latin1"))).toBe("whole"),
  );

  test.each(["\0\0\0\0", "2026-11-22T20:31:05.1\0\0", "a note\0"])(
    "takes what a power cut leaves for partial: %o",
    (line) => {
      expect(classifyTail(Buffer.from(line))).toBe("partial");
    },
  );
});

describe("lastTimeIn", () => {
  test("finds the greatest time of an entry", () => {
    const lines = [
      encodeRequestEntry(encodeTime(7_000_000), "::1", "a", false),
      encodeRequestEntry(encodeTime(5_000_000), "::1", "b", false),
    ];
    expect(lastTimeIn(Buffer.from(`${lines.join("\n")}\n`))).toBe(7_000_000);
  });

  test("passes over lines that are no entries, and finds nothing among them", () => {
    expect(lastTimeIn(Buffer.from("9999-12-31T23:59:59.999999Z by hand\na note\r\n\xff\n", "latin1"))).toBe(0);
    expect(lastTimeIn(Buffer.from(""))).toBe(0);
  });
});
