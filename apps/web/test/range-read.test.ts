import { describe, expect, test } from "vitest";
import { encodeTime } from "@wirebook/protocol";
import type { Deletion } from "../src/history/replica/history-replica.ts";
import { LinesRead } from "../src/history/replica/range-read.ts";

const time = (n: number) => encodeTime(1_800_000_000_000_000 + n);
const versionAt = 100;

/** Lines 101 to 200 of the version of time 100. */
function open() {
  const deletions: Deletion[] = [];
  const lines = Array.from({ length: 100 }, (_, index) => `line ${101 + index}`);
  const read = new LinesRead(lines, 101, time(versionAt), deletions, () => {});
  const remove = (n: number, position?: number) =>
    deletions.push({ time: time(n), user: "otter", position, head: "x" });
  return { read, remove };
}

describe("the lines of a read", () => {
  test("stand where they stood in their version when nothing is deleted", () => {
    const { read } = open();
    expect([read.positionOf(0), read.positionOf(99), read.first]).toEqual([101, 200, 101]);
  });

  test("have seen what was deleted up to the time of their version", () => {
    const { read, remove } = open();
    remove(versionAt - 5, 7);
    remove(versionAt, 7);
    expect(read.positionOf(49)).toBe(150);
  });

  test("move with what is deleted later", () => {
    const { read, remove } = open();
    remove(versionAt + 1, 7);
    remove(versionAt + 2, 120);
    remove(versionAt + 3, 400);
    expect([0, 19, 20, 21].map((index) => read.positionOf(index))).toEqual([100, 119, undefined, 120]);
  });

  test("begin with the first one that still exists", () => {
    const { read, remove } = open();
    remove(versionAt + 1, 101);
    remove(versionAt + 2, 101);
    remove(versionAt + 3, 1);
    expect([read.positionOf(1), read.first]).toEqual([undefined, 100]);
  });

  test("are gone when all is deleted later", () => {
    const { read, remove } = open();
    remove(versionAt + 1);
    expect([read.positionOf(50), read.first]).toEqual([undefined, undefined]);
  });
});
