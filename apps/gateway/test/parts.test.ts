import { expect, test } from "vitest";
import { plainText } from "@wirebook/protocol";
import { ExchangeSlots } from "../src/exchange-slots.ts";
import type { SlotUser } from "../src/exchange-slots.ts";
import { guard } from "../src/guard.ts";
import { readableSink } from "../src/log.ts";
import { TokenBucket } from "../src/token-bucket.ts";

/** Somebody who notes what he is told. */
function createUser(name: string, notes: string[]): SlotUser {
  return { onSlot: () => notes.push(`${name} in`), onBusy: () => notes.push(`${name} busy`) };
}

test("grants slots in the order of arrival", () => {
  const notes: string[] = [];
  const slots = new ExchangeSlots(2, { queuedExchangesMax: 10, queueWaitMs: 60_000 });
  const [a, b, c, d, e] = [
    createUser("a", notes),
    createUser("b", notes),
    createUser("c", notes),
    createUser("d", notes),
    createUser("e", notes),
  ];
  for (const user of [a, b, c, d, e]) slots.enter(user);
  expect([slots.runningCount, slots.waitingCount]).toEqual([2, 3]);
  slots.leave(d);
  slots.leave(b);
  slots.leave(a);
  expect(notes).toEqual(["a in", "b in", "c in", "e in"]);
  for (const user of [c, c, e, d]) slots.leave(user);
  expect([slots.runningCount, slots.waitingCount]).toEqual([0, 0]);
});

test("gives tokens back steadily and never more than the burst", () => {
  const bucket = new TokenBucket(3, 10, 0);
  const take = (times: number, nowMs: number): number =>
    Array.from({ length: times }, () => bucket.take(nowMs)).filter(Boolean).length;
  expect(take(5, 0)).toBe(3);
  expect(take(5, 99)).toBe(0);
  expect(take(5, 200)).toBe(2);
  expect(take(9, 60_000)).toBe(3);
});

test("hands on what a listener throws", () => {
  const thrown: unknown[] = [];
  const listener = guard(
    (value: number) => {
      if (value > 1) throw new Error(`over by ${value - 1}`);
    },
    (error) => thrown.push(error),
  );
  listener(1);
  listener(3);
  expect(thrown).toEqual([new Error("over by 2")]);
});

test("shows on a terminal what happened, and nothing that acts on it", () => {
  const lines: string[] = [];
  const sink = readableSink({ write: (line) => lines.push(line) });
  const say = (line: object): void => sink.write(`${JSON.stringify({ level: 30, time: 0, ...line })}\n`);
  say({
    event: "exchange",
    socket: 3,
    id: 7,
    message: "brick\u001b[2J 2",
    outcome: "fin",
    receivedBytes: 350,
    ms: 1.5,
  });
  say({ event: "socket", socket: 3, outcome: "open", address: "127.0.0.1" });
  say({ event: "refused", address: "::1", status: 403, sentence: "no" });
  say({ msg: "something of the framework's" });
  say({ level: 50, event: "mistake", err: { message: "broken" } });
  expect(lines).toEqual([
    "00:00:00.000 page 3 #7 brick\\u001b[2J 2: fin, 350 bytes, 1.5 ms\n",
    "00:00:00.000 page 3 from 127.0.0.1: open\n",
    "00:00:00.000 refused ::1 (403): no\n",
    '00:00:00.000 {"message":"broken"}\n',
  ]);
  expect(lines.map((line) => plainText(line.trimEnd()))).toEqual(lines.map((line) => line.trimEnd()));
});
