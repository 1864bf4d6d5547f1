import { describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeResultEntry, encodeTime } from "@wirebook/protocol";
import { HistoryReplica } from "../src/history/replica/history-replica.ts";
import { RangeRead } from "../src/history/replica/range-read.ts";
import { clockSlackMs } from "../src/limits.ts";

const startUs = 1_800_000_000_000_000;
const time = (ms: number) => encodeTime(startUs + ms * 1000);
const deleted = (ms: number, line: number) =>
  encodeResultEntry(time(ms), "127.0.0.1", "otter", { verb: "deleted-line", line, head: "x" });
const marker = (ms: number) => encodeRequestEntry(time(ms), "127.0.0.1", "brick 2 101 200", false);

/** A read that was asked at 0 and answered after 10 ms, of a history of which nothing is held. */
function open() {
  const copy = new HistoryReplica(1000);
  const read = new RangeRead(copy, "brick 2 101 200", 200, 0);
  read.noteAnswer(10);
  return { copy, read };
}

const afterwards = 10 + clockSlackMs + 1;

describe("the lines of a read", () => {
  test("stand where they were read when nothing is deleted", async () => {
    const { copy, read } = open();
    copy.apply(marker(0));
    await read.marked;
    expect([read.isDoubtful, read.place(101), read.place(200)]).toEqual([false, 101, 200]);
  });

  test("have seen what was deleted before the request", () => {
    const { copy, read } = open();
    copy.apply(deleted(-5, 7));
    copy.apply(marker(0));
    expect([read.isDoubtful, read.place(150)]).toEqual([false, 150]);
  });

  test("move with what is deleted after the answer", () => {
    const { copy, read } = open();
    copy.apply(marker(0));
    copy.apply(deleted(afterwards, 7));
    copy.apply(deleted(afterwards + 1, 120));
    copy.apply(deleted(afterwards + 2, 400));
    expect(read.isDoubtful).toBe(false);
    expect([read.place(101), read.place(120), read.place(121), read.place(122)]).toEqual([100, 119, undefined, 120]);
  });

  test("are doubtful when something before them is deleted between request and answer", () => {
    const { copy, read } = open();
    copy.apply(marker(0));
    copy.apply(deleted(afterwards - 1, 300));
    expect(read.isDoubtful).toBe(false);
    copy.apply(deleted(afterwards - 1, 200));
    expect(read.isDoubtful).toBe(true);
  });

  test("are gone when all is deleted afterwards", () => {
    const { copy, read } = open();
    copy.apply(marker(0));
    copy.apply(encodeResultEntry(time(afterwards), "127.0.0.1", "otter", { verb: "deleted-all" }));
    expect(read.place(150)).toBeUndefined();
  });

  test("are not known before the request's own line has come", () => {
    const { read } = open();
    expect(read.doubtUntil).toBe("");
  });
});
