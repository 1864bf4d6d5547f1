import { describe, expect, test } from "vitest";
import { encodeTime } from "@wirebook/protocol";
import { moveLines } from "../src/history/replica/range-read.ts";

const time = (n: number) => encodeTime(1_800_000_000_000_000 + n);
const versionAt = 100;
const lines = Array.from({ length: 100 }, (_, index) => `line ${101 + index}`);

/** Lines 101 to 200 of the version of time 100, after deletes of lines at a time. */
function move(...deletes: readonly (readonly [n: number, position?: number])[]) {
  const deletions = deletes.map(([n, position]) => ({ time: time(n), position, head: "x" }));
  return moveLines(lines, { from: 101, time: time(versionAt) }, deletions);
}

describe("the lines of a read", () => {
  test("stand where they stood in their version when nothing is deleted", () => {
    expect(move()).toEqual({ first: 101, lines });
  });

  test("have seen what was deleted up to the time of their version", () => {
    expect(move([versionAt - 5, 7], [versionAt, 7])).toEqual({ first: 101, lines });
  });

  test("move with what is deleted later", () => {
    const moved = move([versionAt + 1, 7], [versionAt + 2, 120], [versionAt + 3, 400]);
    expect(moved).toEqual({ first: 100, lines: lines.toSpliced(20, 1) });
  });

  test("begin with the first one that still exists", () => {
    const moved = move([versionAt + 1, 101], [versionAt + 2, 101], [versionAt + 3, 1]);
    expect(moved).toEqual({ first: 100, lines: lines.slice(2) });
  });

  test("are gone when all is deleted later", () => {
    expect(move([versionAt + 1, 3], [versionAt + 2]).lines).toEqual([]);
  });
});
