import { describe, expect, test } from "vitest";
import { decodeAnnouncement, encodeAnnouncement, operations } from "@wirebook/protocol";
import type { Announcement } from "@wirebook/protocol";
import { asOneLine, makeDraft } from "../src/conversation/draft.ts";

const announced = (number: number) =>
  decodeAnnouncement(
    encodeAnnouncement(operations.find((each) => each.number === number) as Announcement),
  ) as Announcement;
const withKey = (name: string) => (name === "otter" ? "otter~s3cret" : name);
const draft = (line: string, offered: readonly Announcement[] | undefined = operations) =>
  makeDraft(line, withKey, offered);

describe("a line for the server", () => {
  test.each([
    ["brick", "brick", undefined, []],
    ["brick 2", "brick", 2, []],
    [" brick 2 -100 ", "brick", 2, ["-100"]],
    ["brick 1 3 2026-11-22T20:31:05.123456Z", "brick", 1, ["3", "2026-11-22T20:31:05.123456Z"]],
    ["brick 2 007", "brick", 2, ["007"]],
    ["otter 2 snapshot", "otter~s3cret", 2, ["snapshot"]],
    ["otter~typed 6", "otter~typed", 6, []],
  ])("is a request: %j", (line, user, operation, values) => {
    const { message, request, problem } = draft(line);
    expect(request).toEqual({ user, operation, values });
    expect(message).toBe(`${[user, operation, ...values].filter((word) => word !== undefined).join(" ")}\n`);
    expect(problem).toBeUndefined();
  });

  test.each(["brick  2", "brick 02", "brick\t2"])("is a message that only its own bytes say: %j", (line) => {
    expect(draft(line)).toEqual({ message: `${line}\n`, verb: "read" });
  });

  test.each([
    ["two words for a user", "bri ck", '"ck" is no operation; type 1, 2, 3, 4, 5 or 6 after your username'],
    ["a wrong line number", "brick 1 x", 'N is "x", not a line number; type a number such as 12'],
    ["line 0", "brick 2 0", "FROM is 0, and the first line is 1; type a number from 1"],
    ["an HTTP request", "GET / HTTP/1.1", "this is no HTTP server; open the gateway's address in a browser instead"],
  ])("is refused in a sentence for %s, and its bytes are still known", (_, line, sentence) => {
    expect(draft(line)).toEqual({ message: `${line}\n`, problem: sentence });
  });

  test("makes nothing while nothing is typed", () => {
    expect(draft("  ")).toEqual({ message: "" });
  });

  test("is left to the server when only the server knows the operation", () => {
    const offered = [{ number: 77, purpose: "dance", parameters: [] }];
    expect(draft("brick 77", offered)).toMatchObject({ message: "brick 77\n", request: { operation: 77 } });
  });

  test("is refused when the server does not offer the operation, once it has said what it offers", () => {
    expect(draft("brick 5", [announced(2)]).problem).toBe("the server does not offer operation 5; choose another");
    expect(draft("brick 5", undefined).problem).toBeUndefined();
  });
});

describe("what is pasted", () => {
  test.each([
    ["brick\n2", "brick 2"],
    ["brick 2 \r\n\r\n  -1\n", "brick 2 -1 "],
    [" brick  2 ", " brick  2 "],
  ])("%j is one line", (text, line) => {
    expect(asOneLine(text)).toBe(line);
  });

  test("is one line soon, whatever is pasted", () => {
    const text = `brick${" ".repeat(300_000)}2`;
    const startMs = performance.now();
    expect(asOneLine(text)).toBe(text);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});
