/** Snapshots and feeds: who reads has the lines as they stood, whatever happens meanwhile. */

import { expect, test } from "vitest";
import { LineReader, linesOf, splitLines, textOf } from "../reading.ts";
import { actor, asked, fill, messagesOf } from "./steps.ts";
import type { OpenNew } from "./steps.ts";
/** Declares the tests of snapshots. */
export function describeReads(open: OpenNew): void {
  test.each([
    { range: {}, expected: ["1", "2", "3", "4", "5"] },
    { range: { from: 2 }, expected: ["2", "3", "4", "5"] },
    { range: { from: 5 }, expected: ["5"] },
    { range: { to: 2 }, expected: ["1", "2"] },
    { range: { from: 2, to: 4 }, expected: ["2", "3", "4"] },
    { range: { from: 4, to: 100 }, expected: ["4", "5"] },
    { range: { from: -2 }, expected: ["4", "5"] },
    { range: { from: -100 }, expected: ["1", "2", "3", "4", "5"] },
    { range: { from: -4, to: -3 }, expected: ["2", "3"] },
    { range: { to: -5 }, expected: ["1"] },
  ])("reads the range $range of five lines", async ({ range, expected }) => {
    await using history = await open();
    await fill(history, "1", "2", "3", "4", "5");
    const snapshot = await history.read(range);
    expect([snapshot.from, snapshot.to, snapshot.lines]).toEqual([Number(expected[0]), Number(expected.at(-1)), 5]);
    expect(messagesOf(splitLines(await textOf(snapshot)))).toEqual(expected);
  });

  test.each([
    [{ from: 6 }, "line 6 is past the last line; the history has 5 lines; give a number from 1 to 5"],
    [
      { from: 4, to: 3 },
      "the range begins at line 4 and ends at line 3; type a last line from 4 to 5, or leave it out",
    ],
    [
      { from: 1, to: -99 },
      "the range begins at line 1 and ends before line 1; type a last line from 1 to 5, or leave it out",
    ],
    [{ from: -1, to: -2 }, "the range begins at line 5 and ends at line 4; type 5 as its last line, or leave it out"],
    [{ to: -6 }, "the range begins at line 1 and ends before line 1; type a last line from 1 to 5, or leave it out"],
    [{ from: 0 }, "0 is no line; give 1 for the first line, -1 for the last"],
    [{ to: 0 }, "0 is no line; give 1 for the first line, -1 for the last"],
    [{ from: 1.5 }, "1.5 is no line; give 1 for the first line, -1 for the last"],
  ])("refuses the range %o of five lines, and says what to type", async (range, message) => {
    await using history = await open();
    await fill(history, "1", "2", "3", "4", "5");
    await expect(history.read(range)).rejects.toMatchObject({ name: "HistoryError", code: "range", message });
  });

  test("reads nothing from an empty history, unless a line is named", async () => {
    await using history = await open();
    for (const range of [{}, { to: 5 }, { from: -10 }, { to: -1 }]) {
      const snapshot = await history.read(range);
      expect([snapshot.from, snapshot.to, snapshot.lines, await textOf(snapshot)]).toEqual([1, 0, 0, ""]);
      expect(snapshot.time).toBe("1970-01-01T00:00:00.000000Z");
    }
    await expect(history.read({ from: 1 })).rejects.toMatchObject({ code: "range" });
  });

  test("keeps a snapshot as it was, whatever is written and deleted meanwhile", async () => {
    await using history = await open();
    const before = await fill(history, "1", "2", "3");
    await using snapshot = await history.read();
    await history.append(asked("4"));
    await history.deleteLine(actor, 1);
    await using second = await history.read({ from: -2 });
    await history.deleteAll(actor);
    expect(splitLines(await textOf(snapshot))).toEqual(before);
    expect(messagesOf(splitLines(await textOf(second)))).toEqual(["4", "deleted-line"]);
    expect(messagesOf(await linesOf(history))).toEqual(["deleted-all"]);
  });

  test("names the version that it read by the time of the newest entry", async () => {
    await using history = await open();
    const versionOf = async () => {
      await using snapshot = await history.read({ to: 1 });
      return [snapshot.lines, snapshot.time];
    };
    const [first, second, third] = [asked("1"), asked("2"), asked("3")];
    await Promise.all([history.append(first), history.append(second)]);
    const { time: appended } = await history.append(third);
    expect(await versionOf()).toEqual([3, appended]);
    const { time: deleted } = await history.deleteLine(actor, 2);
    expect(await versionOf()).toEqual([3, deleted]);
    const { time: emptied } = await history.deleteAll(actor);
    expect(await versionOf()).toEqual([1, emptied]);
  });

  test("reads what was appended before, even when that is not finished", async () => {
    await using history = await open();
    const appended = history.append(asked("1"));
    expect(messagesOf(await linesOf(history))).toEqual(["1"]);
    await appended;
  });

  test("ends a snapshot that is disposed of while it is read", async () => {
    await using history = await open();
    await fill(history, "1", "2");
    const snapshot = await history.read();
    await snapshot[Symbol.asyncDispose]();
    await snapshot[Symbol.asyncDispose]();
    expect(await textOf(snapshot)).toBe("");
  });
}

/** Declares the tests of feeds. */
export function describeFeeds(open: OpenNew): void {
  test("follows from the next line to be written", async () => {
    await using history = await open();
    await fill(history, "1", "2");
    await using feed = await history.follow();
    expect(feed.from).toBe(3);
    const reader = new LineReader(feed);
    const third = reader.next();
    await fill(history, "3", "4");
    expect(messagesOf([(await third) as string, ...(await reader.take(1))])).toEqual(["3", "4"]);
  });

  test.each([
    { from: 1, expected: ["1", "2", "3"] },
    { from: 3, expected: ["3"] },
    { from: 4, expected: [] },
    { from: -2, expected: ["2", "3"] },
    { from: -9, expected: ["1", "2", "3"] },
  ])("follows three lines from $from", async ({ from, expected }) => {
    await using history = await open();
    await fill(history, "1", "2", "3");
    await using feed = await history.follow(from);
    await history.append(asked("next"));
    expect(feed.from).toBe(4 - expected.length);
    expect(messagesOf(await new LineReader(feed).take(expected.length + 1))).toEqual([...expected, "next"]);
  });

  test.each([0, 5, 1.5])("refuses to follow three lines from %s", async (from) => {
    await using history = await open();
    await fill(history, "1", "2", "3");
    await expect(history.follow(from)).rejects.toMatchObject({ name: "HistoryError", code: "range" });
  });

  test("gives a feed the lines as they stood, then the results of what was deleted", async () => {
    await using history = await open();
    const before = await fill(history, "1", "2", "3");
    await using feed = await history.follow(1);
    await history.deleteLine(actor, 2);
    await history.append(asked("4"));
    await history.deleteAll(actor);
    await history.append(asked("5"));
    const lines = await new LineReader(feed).take(7);
    expect(lines.slice(0, 3)).toEqual(before);
    expect(messagesOf(lines.slice(3))).toEqual(["deleted-line", "4", "deleted-all", "5"]);
  });

  test("ends a feed that waits when it is disposed of", async () => {
    await using history = await open();
    const feed = await history.follow();
    const next = new LineReader(feed).next();
    await feed[Symbol.asyncDispose]();
    await feed[Symbol.asyncDispose]();
    expect(await next).toBeUndefined();
  });

  test("lets a reader leave a feed in the middle", async () => {
    await using history = await open();
    await fill(history, "1", "2");
    const feed = await history.follow(1);
    for await (const chunk of feed.chunks) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(await new LineReader(feed).next()).toBeUndefined();
  });
}
