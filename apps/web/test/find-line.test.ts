import { describe, expect, test } from "vitest";
import { encodeRequestEntry } from "@wirebook/protocol";
import { HistoryReplica } from "../src/history/replica/history-replica.ts";
import { findLine, positionOf } from "../src/history/found-lines.ts";

const timeAt = (second: number) => `2026-11-22T20:31:0${second}.000000Z`;
const lineAt = (second: number, message = "brick 2") => encodeRequestEntry(timeAt(second), "127.0.0.1", message, false);

/** A history of which only the end is held, beginning at a position. */
function copyOf(lines: readonly string[], first = 1): HistoryReplica {
  const copy = new HistoryReplica(first - 1);
  for (const line of lines) copy.append(line);
  return copy;
}

const query = { message: "brick 2", aboutMs: Date.parse("2026-11-22T20:31:03Z"), after: undefined };

describe("the line of an exchange", () => {
  const copy = copyOf([lineAt(1), lineAt(3), lineAt(5)], 10);

  test("is the nearest in time of those with the same words, and the others are counted", () => {
    expect(findLine(copy, query)).toEqual({ line: lineAt(3), position: 11, others: 2 });
  });

  test("is newer than every line that was known when it was sent, however near in time those are", () => {
    expect(findLine(copy, { ...query, after: timeAt(3) })).toEqual({ line: lineAt(5), position: 12, others: 0 });
    expect(findLine(copy, { ...query, after: timeAt(5) })).toBeUndefined();
  });

  test("is none with other words, or of another form", () => {
    expect(findLine(copy, { ...query, message: "brick" })).toBeUndefined();
    expect(findLine(copyOf(['brick 2 at noon 127.0.0.1 "brick 2"']), query)).toBeUndefined();
  });

  test("is found again by itself, and not by its words", () => {
    expect(positionOf(copy, lineAt(3))).toBe(11);
    expect(positionOf(copy, lineAt(4))).toBeUndefined();
  });
});
