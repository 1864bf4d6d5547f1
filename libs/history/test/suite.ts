/**
 * What every engine promises. A test file of an engine calls `historySuite` with a way to open a history.
 *
 * Nothing here knows of files: it sees what an engine does through its interface only.
 */

import { decodeTime } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import type { History } from "../src/index.ts";
import { LineReader, linesOf, splitLines, textOf } from "./reading.ts";
import { describeCopies, describeVersions } from "./suite/copies.ts";
import { describeDeletes } from "./suite/deletes.ts";
import { describeFeeds, describeReads } from "./suite/readers.ts";
import { actor, asked, fill, messagesOf } from "./suite/steps.ts";
import type { OpenNew } from "./suite/steps.ts";
/** Opens the history of a place: a word, new to the engine in each test, that leads to the same history each time. */
export type OpenHistory = (place: string) => Promise<History>;

/** Declares the tests of the engine with that name. */
export function historySuite(name: string, open: OpenHistory): void {
  let places = 0;
  const openNew = (): Promise<History> => open(`place-${++places}`);

  describe(`the engine ${name}`, () => {
    describeAppends(openNew);
    describeReads(openNew);
    describeDeletes(openNew);
    describeFeeds(openNew);
    describeCopies(openNew);
    describeVersions(openNew);
    describeLife(open, () => `place-${++places}`);
  });
}

function describeAppends(open: OpenNew): void {
  test("is empty at first", async () => {
    await using history = await open();
    expect(history.size()).toEqual({ lines: 0, bytes: 0 });
    expect(await linesOf(history)).toEqual([]);
  });

  test("writes what was asked as a line that says when, from where and what", async () => {
    await using history = await open();
    const { position, time } = await history.append({
      address: "::1",
      message: 'a "b"\u001b[31m\u202e ü',
      isCut: true,
    });
    expect(position).toBe(1);
    expect(decodeTime(time)).toBeTypeOf("number");
    const [line = ""] = await linesOf(history);
    expect(line).toBe(`${time} ::1 "a \\"b\\"\\u001b[31m\\u202e ü" (cut)`);
  });

  test("gives appends that come at once their positions in the order of the calls, and strictly increasing times", async () => {
    await using history = await open();
    const messages = Array.from({ length: 500 }, (_, at) => `m${at}`);
    const written = await Promise.all(messages.map((message) => history.append(asked(message))));
    expect(written.map(({ position }) => position)).toEqual(messages.map((_, at) => at + 1));
    const lines = await linesOf(history);
    expect(messagesOf(lines)).toEqual(messages);
    expect(lines.map((line) => line.split(" ")[0])).toEqual(written.map(({ time }) => time));
    const times = written.map(({ time }) => time);
    expect(times).toEqual([...new Set(times)].toSorted());
  });

  test("counts lines and bytes", async () => {
    await using history = await open();
    await fill(history, "ä", "b", "c");
    await history.deleteLine(actor, 2);
    const text = await textOf(await history.read());
    expect(history.size()).toEqual({ lines: 3, bytes: Buffer.byteLength(text) });
  });
}

function describeLife(open: OpenHistory, newPlace: () => string): void {
  test("finds its lines again, and goes on with later times", async () => {
    const place = newPlace();
    const before = await (async () => {
      await using history = await open(place);
      await fill(history, "1", "2", "3");
      await history.deleteLine(actor, 1);
      return await linesOf(history);
    })();
    await using history = await open(place);
    expect(await linesOf(history)).toEqual(before);
    const { position, time } = await history.append(asked("4"));
    expect(position).toBe(4);
    expect(time > (before.at(-1)?.split(" ")[0] as string)).toBe(true);
  });

  test("finishes what was asked for when it closes, and refuses the rest", async () => {
    const place = newPlace();
    const history = await open(place);
    await fill(history, "1", "2");
    const asks = [history.append(asked("3")), history.deleteLine(actor, 1), history.append(asked("4"))];
    const closed = history[Symbol.asyncDispose]();
    const closedError = { name: "HistoryError", code: "closed" };
    await expect(history.append(asked("5"))).rejects.toMatchObject(closedError);
    await expect(history.deleteLine(actor, 1)).rejects.toMatchObject(closedError);
    await expect(history.deleteAll(actor)).rejects.toMatchObject(closedError);
    await expect(history.read()).rejects.toMatchObject(closedError);
    await expect(history.follow()).rejects.toMatchObject(closedError);
    await Promise.all(asks);
    await closed;
    await history[Symbol.asyncDispose]();
    expect(await history.ended).toBeUndefined();
    await using again = await open(place);
    expect(messagesOf(await linesOf(again))).toEqual(["2", "3", "4", "deleted-line"]);
  });

  test("ends feeds after their last line when it closes, and lets snapshots be read", async () => {
    const history = await open(newPlace());
    const lines = await fill(history, "1", "2");
    const waiting = await history.follow();
    const next = new LineReader(waiting).next();
    const unread = new LineReader(await history.follow(1));
    const snapshot = await history.read();
    await history[Symbol.asyncDispose]();
    expect(await next).toBeUndefined();
    expect(await unread.take(2)).toEqual(lines);
    expect(await unread.next()).toBeUndefined();
    expect(splitLines(await textOf(snapshot))).toEqual(lines);
  });
}
