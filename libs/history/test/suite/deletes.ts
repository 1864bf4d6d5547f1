/** Deletes of one line and of all, alone and beside others. */

import { expect, test } from "vitest";
import { linesOf } from "../reading.ts";
import { actor, asked, fill, messagesOf } from "./steps.ts";
import type { OpenNew } from "./steps.ts";
/** Declares the tests of deletes. */
export function describeDeletes(open: OpenNew): void {
  test("deletes one line and says so in the last one", async () => {
    await using history = await open();
    const [first = "", second = "", third = ""] = await fill(history, "1", "2", "3");
    const { position, time } = await history.deleteLine({ user: "otter", address: "::1" }, 2);
    expect(position).toBe(3);
    const result = `${time} ::1 otter deleted line 2 (${second.split(" ")[0]})`;
    expect(await linesOf(history)).toEqual([first, third, result]);
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

  test.each([
    ["7d2mqk0x9rcv41hzw8tbn53yfe", "…"],
    ["~7d2mqk0x9rcv41hzw8tbn53yfe", "~…"],
    ["otter~7d2mqk0x9rcv41hzw8tbn53yfe", "otter~…"],
    ["7D2MQK0X9RCV41HZW8TBN53YF", "…"],
    [`${"x".repeat(50)}~7d2mqk0x9rcv41hzw8tbn53yfe`, `${"x".repeat(50)}~…`],
  ])("shows no key that was typed as the time of a line: %s", async (typed, shown) => {
    await using history = await open();
    const [first = ""] = await fill(history, "1");
    await expect(history.deleteLine(actor, 1, typed)).rejects.toMatchObject({
      code: "line-changed",
      message: `line 1 begins with "${first.split(" ")[0]}", not with "${shown}"; nothing was deleted, read the history again`,
    });
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

  test("deletes the result line of a delete that came at the same time", async () => {
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
