/**
 * What every engine promises. A test file of an engine calls `historySuite` with a way to open a history.
 *
 * Nothing here knows of files: it sees what an engine does through its interface only.
 */

import { decodeEntry, decodeTime } from "@wirebook/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Actor, Asked, Feed, History } from "../src/index.ts";
import { applyLine, LineReader, linesOf, splitLines, textOf } from "./reading.ts";

/** Opens the history of a place: a word, new to the engine in each test, that leads to the same history each time. */
export type OpenHistory = (place: string) => Promise<History>;

const actor: Actor = { user: "brick", address: "127.0.0.1" };
const asked = (message: string): Asked => ({ address: "127.0.0.1", message, isCut: false });

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
    describeLife(open, () => `place-${++places}`);
  });
}

type OpenNew = () => Promise<History>;

/** Appends messages one after another; returns their lines. */
async function fill(history: History, ...messages: string[]): Promise<string[]> {
  for (const message of messages) await history.append(asked(message));
  return linesOf(history);
}

function messagesOf(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const entry = decodeEntry(line);
    return entry.kind === "asked" ? entry.message : entry.kind === "outcome" ? entry.outcome.verb : entry.text;
  });
}

function describeAppends(open: OpenNew): void {
  test("is empty at first", async () => {
    await using history = await open();
    expect(history.extent()).toEqual({ lines: 0, bytes: 0 });
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
    expect(history.extent()).toEqual({ lines: 3, bytes: Buffer.byteLength(text) });
  });
}

function describeReads(open: OpenNew): void {
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
    expect([snapshot.from, snapshot.to]).toEqual([Number(expected[0]), Number(expected.at(-1))]);
    expect(messagesOf(splitLines(await textOf(snapshot)))).toEqual(expected);
  });

  test.each([{ from: 6 }, { from: 4, to: 3 }, { from: -1, to: -2 }, { to: -6 }, { from: 0 }, { to: 0 }, { from: 1.5 }])(
    "refuses the range %o of five lines",
    async (range) => {
      await using history = await open();
      await fill(history, "1", "2", "3", "4", "5");
      await expect(history.read(range)).rejects.toMatchObject({ name: "HistoryError", code: "range" });
    },
  );

  test("reads nothing from an empty history, unless a line is named", async () => {
    await using history = await open();
    for (const range of [{}, { to: 5 }, { from: -10 }, { to: -1 }]) {
      const snapshot = await history.read(range);
      expect([snapshot.from, snapshot.to, await textOf(snapshot)]).toEqual([1, 0, ""]);
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

function describeDeletes(open: OpenNew): void {
  test("deletes one line and says so in the last one", async () => {
    await using history = await open();
    const [first = "", second = "", third = ""] = await fill(history, "1", "2", "3");
    const { position, time } = await history.deleteLine({ user: "otter", address: "::1" }, 2);
    expect(position).toBe(3);
    const outcome = `${time} ::1 otter deleted line 2 (${second.split(" ")[0]})`;
    expect(await linesOf(history)).toEqual([first, third, outcome]);
  });

  test("deletes the first and the last line, and a line that says what was deleted", async () => {
    await using history = await open();
    await fill(history, "1", "2", "3");
    await history.deleteLine(actor, 3);
    await history.deleteLine(actor, 1);
    const [, , last = ""] = await linesOf(history);
    await history.deleteLine(actor, 3);
    const lines = await linesOf(history);
    expect(messagesOf(lines)).toEqual(["2", "deleted-line", "deleted-line"]);
    expect(lines[2]).toContain(`(${last.split(" ")[0]})`);
  });

  test.each([0, -1, 4, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER])(
    "refuses to delete line %s of three",
    async (line) => {
      await using history = await open();
      const before = await fill(history, "1", "2", "3");
      await expect(history.deleteLine(actor, line)).rejects.toMatchObject({
        name: "HistoryError",
        code: "no-such-line",
      });
      expect(await linesOf(history)).toEqual(before);
    },
  );

  test("deletes a line with a given head only if it still has it", async () => {
    await using history = await open();
    const [first = "", second = ""] = await fill(history, "1", "2", "3");
    const head = second.split(" ")[0] as string;
    await expect(history.deleteLine(actor, 1, head)).rejects.toMatchObject({ code: "line-changed" });
    await expect(history.deleteLine(actor, 2, first)).rejects.toMatchObject({ code: "line-changed" });
    expect(messagesOf(await linesOf(history))).toEqual(["1", "2", "3"]);
    await history.deleteLine(actor, 2, head);
    expect(messagesOf(await linesOf(history))).toEqual(["1", "3", "deleted-line"]);
  });

  test("lets one of two win who delete the same line at once with its head", async () => {
    await using history = await open();
    const [, second = ""] = await fill(history, "1", "2", "3");
    const head = second.split(" ")[0] as string;
    const results = await Promise.allSettled([history.deleteLine(actor, 2, head), history.deleteLine(actor, 2, head)]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(results[1]).toMatchObject({ reason: { code: "line-changed" } });
    expect(messagesOf(await linesOf(history))).toEqual(["1", "3", "deleted-line"]);
  });

  test("applies deletes that come at once one after another, each with its own result", async () => {
    await using history = await open();
    const before = await fill(history, "1", "2", "3", "4", "5");
    const numbers = [2, 2, 9, 1, 3, 5];
    const results = await Promise.allSettled(numbers.map((line) => history.deleteLine(actor, line)));
    expect(results.map(({ status }) => status === "fulfilled")).toEqual([true, true, false, true, true, true]);
    const copy = [...before];
    const after = await linesOf(history);
    const outcomes = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    for (const [at, { position, time }] of outcomes.entries()) {
      const line = numbers.filter((number) => number <= 5)[at] as number;
      const [head] = (copy[line - 1] as string).split(" ");
      copy.splice(line - 1, 1);
      copy.push(`${time} 127.0.0.1 brick deleted line ${line} (${head})`);
      expect(position).toBe(5);
    }
    expect(after).toEqual(copy);
  });

  test("deletes the outcome of a delete that came at the same time", async () => {
    await using history = await open();
    await fill(history, "1");
    const [first, second] = await Promise.all([history.deleteLine(actor, 1), history.deleteLine(actor, 1)]);
    expect(await linesOf(history)).toEqual([`${second.time} 127.0.0.1 brick deleted line 1 (${first.time})`]);
  });

  test("deletes a line that was appended just before", async () => {
    await using history = await open();
    const appended = history.append(asked("1"));
    await history.deleteLine(actor, 1, (await appended).time);
    expect(messagesOf(await linesOf(history))).toEqual(["deleted-line"]);
  });

  test("replaces all lines by one", async () => {
    await using history = await open();
    await fill(history, "1", "2", "3");
    const { position, time } = await history.deleteAll({ user: "otter", address: "::1" });
    expect(position).toBe(1);
    expect(await linesOf(history)).toEqual([`${time} ::1 otter deleted all`]);
    expect(await history.append(asked("4"))).toMatchObject({ position: 2 });
    expect(messagesOf(await linesOf(history))).toEqual(["deleted-all", "4"]);
  });

  test("keeps the order of deletes of one and of all lines", async () => {
    await using history = await open();
    await fill(history, "1", "2", "3");
    const results = await Promise.allSettled([
      history.deleteLine(actor, 3),
      history.deleteAll(actor),
      history.deleteLine(actor, 2),
      history.deleteLine(actor, 1),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    const lines = await linesOf(history);
    expect(messagesOf(lines)).toEqual(["deleted-line"]);
    expect(lines[0]).toContain("deleted line 1 (");
  });
}

function describeFeeds(open: OpenNew): void {
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

  test("gives a feed the lines as they stood, then the outcomes of what was deleted", async () => {
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

/** What a random program does; a delete names a line by a share of those there are, so that most exist. */
type Action =
  | { readonly verb: "append"; readonly message: string }
  | { readonly verb: "delete"; readonly share: number }
  | { readonly verb: "delete-all" | "pause" };

const append = fc.string({ unit: "binary" }).map((message): Action => ({ verb: "append", message }));
const deleteOne = fc.double({ min: 0, max: 1.1, noNaN: true }).map((share): Action => ({ verb: "delete", share }));
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: append },
  { weight: 3, arbitrary: deleteOne },
  { weight: 1, arbitrary: fc.constant<Action>({ verb: "delete-all" }) },
  { weight: 2, arbitrary: fc.constant<Action>({ verb: "pause" }) },
);

function describeCopies(open: OpenNew): void {
  test("keeps an exact copy for whoever applies a feed, while appends and deletes run at once", async () => {
    await using history = await open();
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), fc.nat(4), async (actions, before) => {
        await history.deleteAll(actor);
        const start = await fill(history, ...Array.from({ length: before }, (_, at) => `before ${at}`));
        await using feed = await history.follow();
        await using whole = await history.follow(1);
        const written = await run(history, actions);
        const end = await history.append(asked("the end"));
        const lines = await linesOf(history);
        expect(await copyUntil(feed, [...start], end.time)).toEqual(lines);
        expect(await copyUntil(whole, [], end.time)).toEqual(lines);
        expect(new Set(written).size).toBe(written.length);
      }),
      { numRuns: 60 },
    );
  });
}

/** Starts the actions without waiting, but for the pauses; returns the times of all that were acknowledged. */
async function run(history: History, actions: readonly Action[]): Promise<string[]> {
  const running: Promise<string | undefined>[] = [];
  const start = (promise: Promise<{ time: string }>): void => {
    running.push(
      promise.then(
        ({ time }) => time,
        (error: { code?: string }) => {
          if (error.code !== "no-such-line") throw error;
          return undefined;
        },
      ),
    );
  };
  for (const step of actions) {
    if (step.verb === "append") start(history.append(asked(step.message)));
    else if (step.verb === "delete") {
      start(history.deleteLine(actor, 1 + Math.floor(step.share * history.extent().lines)));
    } else if (step.verb === "delete-all") start(history.deleteAll(actor));
    else await running.at(-1);
  }
  return (await Promise.all(running)).filter((time) => time !== undefined);
}

/** Applies a feed to a copy up to the line with that time. */
async function copyUntil(feed: Feed, copy: string[], time: string): Promise<string[]> {
  const reader = new LineReader(feed);
  while (copy.at(-1)?.startsWith(time) !== true) applyLine(copy, (await reader.take(1))[0] as string);
  return copy;
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
