import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeEntry,
  decodeText,
  decodeTime,
  encodeRequestEntry,
  encodeResultEntry,
  encodeTime,
  timestampOf,
} from "@wirebook/protocol";

const time = "2026-11-22T20:31:05.123456Z";

describe("times", () => {
  test("have microseconds and are read as they are written", () => {
    expect(encodeTime(1_795_379_465_123_456)).toMatch(/\.123456Z$/);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000_000 }), (microseconds) => {
        expect(decodeTime(encodeTime(microseconds))).toBe(microseconds);
      }),
    );
  });

  test("are nothing else", () => {
    for (const text of ["", "2026-11-22", "2026-13-45T99:99:99.000000Z", `${time} `])
      expect(decodeTime(text)).toBeUndefined();
  });
});

describe("entries", () => {
  test("give back any message that was asked", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.boolean(), (bytes, isCut) => {
        const message = decodeText(bytes);
        const line = encodeRequestEntry(time, "127.0.0.1", message, isCut);
        expect(line).not.toMatch(/[\n\r]/);
        expect(decodeEntry(line)).toEqual({ kind: "request", time, address: "127.0.0.1", message, isCut });
      }),
      { numRuns: 2000 },
    );
  });

  test("give back its result", () => {
    const deleted = { verb: "deleted-line", line: 3, head: "2026-11-22T20:30:00.000001Z" } as const;
    expect(encodeResultEntry(time, "::1", "brick", deleted)).toBe(
      `${time} ::1 brick deleted line 3 (2026-11-22T20:30:00.000001Z)`,
    );
    const created = { verb: "created-user", name: "otter-42" } as const;
    expect(encodeResultEntry(time, "::1", "brick", created)).toBe(`${time} ::1 brick created user otter-42`);
    const archived = { verb: "archived", lines: 1200, file: "history.txt.1" } as const;
    expect(encodeResultEntry(time, "-", "-", archived)).toBe(`${time} - - archived lines 1-1200 in history.txt.1`);
    expect(encodeResultEntry(time, "-", "-", { ...archived, file: "a \u202eb" })).toMatch(/in a\\u0020\\u202eb$/);
    for (const result of [deleted, { ...deleted, head: "" }, { verb: "deleted-all" } as const, created, archived]) {
      expect(decodeEntry(encodeResultEntry(time, "::1", "brick", result))).toEqual({
        kind: "result",
        time,
        address: "::1",
        user: "brick",
        result,
      });
    }
  });

  test("cannot be forged by what is typed", () => {
    fc.assert(
      fc.property(fc.string(), (typed) => {
        fc.pre(typed.isWellFormed());
        expect(decodeEntry(encodeRequestEntry(time, "127.0.0.1", typed, false)).kind).toBe("request");
        expect(decodeEntry(encodeRequestEntry(time, "127.0.0.1", `${typed} deleted all`, false)).kind).toBe("request");
      }),
    );
  });

  test("are foreign when the origin or a hand wrote them", () => {
    for (const line of [
      "",
      "brick 127.0.0.1 2021-05-01 10:00:00",
      `${time} 127.0.0.1 "unfinished`,
      `${time} 127.0.0.1 brick did a thing`,
    ]) {
      expect(decodeEntry(line)).toEqual({ kind: "external", text: line });
    }
  });

  test("are known by their first word, in which nothing dangerous is left", () => {
    expect(timestampOf(`${time} 127.0.0.1 "brick"`)).toBe(time);
    expect(timestampOf("")).toBe("");
    expect(timestampOf("\u001b[31mred alert")).toBe("\\u001b[31mred");
    expect(timestampOf("x".repeat(100))).toBe("x".repeat(64));
  });
});
