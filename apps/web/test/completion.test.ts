import { operations } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { complete, completionsOf, operationOf } from "../src/conversation/draft.ts";

const operation = (number: number) => operations.find((each) => each.number === number);

describe("what a line may become", () => {
  test.each([
    ["brick", []],
    ["brick ", [1, 2, 3, 4, 5, 6]],
    ["brick re", [2, 4, 6]],
    ["brick DEL", [1, 3]],
    ["brick 2", []],
    ["brick 9", []],
    ["brick 2 ", []],
  ])("%j: %j", (line, numbers) => {
    expect(completionsOf(line, operations).map(({ number }) => number)).toEqual(numbers);
  });

  test("is completed up to where the arguments begin", () => {
    const [read, status] = [operation(2), operation(6)];
    expect(read && complete("brick re", read)).toBe("brick 2 ");
    expect(status && complete(" brick ", status)).toBe("brick 6");
  });

  test("is the operation of its second word", () => {
    expect(operationOf(" brick 2 -1", operations)?.number).toBe(2);
    expect(operationOf("brick 9", operations)).toBeUndefined();
  });
});
