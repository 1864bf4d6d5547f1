import { describe, expect, test } from "vitest";
import { decodeAnnouncement, encodeAnnouncement, operations } from "@wirebook/protocol";
import type { Announcement } from "@wirebook/protocol";
import { makeDraft, parametersOf } from "../src/composer/draft.ts";

const announced = (number: number) =>
  decodeAnnouncement(
    encodeAnnouncement(operations.find((each) => each.number === number) as Announcement),
  ) as Announcement;
const draft = (user: string, number?: number, ...values: string[]) =>
  makeDraft({ user, operation: number === undefined ? undefined : announced(number), values });

describe("a draft", () => {
  test.each([
    [draft("brick"), "brick\n"],
    [draft("brick", 2), "brick 2\n"],
    [draft(" brick ", 2, " -100 ", ""), "brick 2 -100\n"],
    [draft("brick", 1, "3", "2026-11-22T20:31:05.123456Z"), "brick 1 3 2026-11-22T20:31:05.123456Z\n"],
    [draft("brick", 2, "007"), "brick 2 007\n"],
    [draft("brick", 2, "", "", "snapshot"), "brick 2 snapshot\n"],
    [draft("brick", 2, "-100", "", "snapshot"), "brick 2 -100 snapshot\n"],
  ])("makes the message that goes over the wire", ({ message, problem }, expected) => {
    expect([message, problem]).toEqual([expected, undefined]);
  });

  test.each([
    ["no user", draft("  "), "the message is empty; type a username, for example: brick 2"],
    ["two words for a user", draft("bri ck"), '"bri ck" is not one word; leave out white space'],
    ["a wrong line number", draft("brick", 1, "x"), 'N is "x", not a line number; type a number such as 12'],
    ["line 0", draft("brick", 2, "0"), "FROM is 0, and the first line is 1; type a number from 1"],
    ["a gap between arguments", draft("brick", 2, "", "5"), "TO needs FROM before it; type FROM too"],
    ["a gap before a word", draft("brick", 2, "", "5", "snapshot"), "TO needs FROM before it; type FROM too"],
  ])("refuses %s in a sentence", (_, { problem }, sentence) => {
    expect(problem).toBe(sentence);
  });

  test("keeps a message that the protocol refuses, so that it can be sent anyway", () => {
    expect(draft("brick", 1, "x").message).toBe("brick 1 x\n");
  });

  test("leaves an operation to the server that only the server knows", () => {
    const operation = { number: 77, purpose: "dance", parameters: [] };
    expect(makeDraft({ user: "brick", operation, values: [] })).toMatchObject({
      message: "brick 77\n",
      problem: undefined,
    });
  });
});

describe("the parameters of an operation", () => {
  test("are those that were announced", () => {
    expect(parametersOf(announced(2)).map(({ name }) => name)).toEqual(["FROM", "TO", "snapshot"]);
  });

  test("are the necessary ones where the reference server announced none", () => {
    const operation = decodeAnnouncement(" To delete a line, enter 1 after your username") as Announcement;
    expect(parametersOf(operation).map(({ name }) => name)).toEqual(["N"]);
  });
});
