import fc from "fast-check";
import type { FastifyBaseLogger } from "fastify";
import { expect, test } from "vitest";
import { plainText } from "@wirebook/protocol";
import { ConnectionPool, shareOf } from "../src/streams/connection-pool.ts";
import type { SlotUser } from "../src/streams/connection-pool.ts";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { createLog, gatheredCharactersMax, gatheringSink, readableSink } from "../src/telemetry/access-log.ts";
import { TokenBucket } from "../src/bounds.ts";

/** Somebody who notes what he is told. */
function createUser(name: string, notes: string[], owner: object = notes): SlotUser {
  return { owner, onSlot: () => notes.push(`${name} in`), onBusy: () => notes.push(`${name} busy`) };
}

test("grants pool in the order of arrival", () => {
  const notes: string[] = [];
  const pool = new ConnectionPool(2, { queuedStreamsMax: 10, queueWaitMs: 60_000, sharesAtLeast: 4 });
  const [a, b, c, d, e] = [
    createUser("a", notes),
    createUser("b", notes),
    createUser("c", notes),
    createUser("d", notes),
    createUser("e", notes),
  ];
  for (const user of [a, b, c, d, e]) pool.enter(user);
  expect([pool.runningCount, pool.waitingCount]).toEqual([2, 3]);
  pool.leave(d);
  pool.leave(b);
  pool.leave(a);
  expect(notes).toEqual(["a in", "b in", "c in", "e in"]);
  for (const user of [c, c, e, d]) pool.leave(user);
  expect([pool.runningCount, pool.waitingCount]).toEqual([0, 0]);
});

test("leaves one page no more than its share, serves waiting pages in turn, and forgets no one", () => {
  const notes: string[] = [];
  const pool = new ConnectionPool(8, { queuedStreamsMax: 100, queueWaitMs: 60_000, sharesAtLeast: 4 });
  const users = ["a", "b", "c", "d", "e"].map((page) => {
    const owner = {};
    return Array.from({ length: 4 }, (_, at) => createUser(`${page}${at}`, notes, owner));
  });
  for (const user of users.flat()) pool.enter(user);
  // Four pages have their two each, and the first one's turn is next; a page with its whole share is passed over.
  expect(notes).toEqual(["a0 in", "a1 in", "b0 in", "b1 in", "c0 in", "c1 in", "d0 in", "d1 in"]);
  expect([pool.runningCount, pool.waitingCount]).toEqual([8, 12]);
  const [a = [], b = []] = users;
  for (const user of [a[0], b[0], a[1]]) pool.leave(user as SlotUser);
  expect(notes.slice(8)).toEqual(["a2 in", "b2 in", "e0 in"]);
  for (const user of users.flat()) pool.leave(user);
  for (const user of users.flat()) pool.leave(user);
  expect([pool.runningCount, pool.waitingCount]).toEqual([0, 0]);
  expect(notes.filter((note) => note.includes("busy"))).toEqual([]);
});

test.each([
  [1, 1],
  [2, 2],
  [4, 2],
  [9, 3],
  [256, 64],
])("a page's share of %i connections is %i", (slotsMax, share) => {
  expect(shareOf(slotsMax, 4)).toBe(share);
});

test("keeps every promise whoever comes and goes", () => {
  const step = fc.record({ user: fc.nat(23), leaves: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 200 }), (slotsMax, steps) => {
      const pool = new ConnectionPool(slotsMax, { queuedStreamsMax: 5, queueWaitMs: 60_000, sharesAtLeast: 3 });
      const owners = [{}, {}, {}];
      const states = new Map<SlotUser, "in" | "waiting" | "out">();
      const users = Array.from({ length: 24 }, (_, at): SlotUser => {
        const user: SlotUser = {
          owner: owners[at % 3] as object,
          onSlot: () => states.set(user, "in"),
          onBusy: () => states.set(user, "out"),
        };
        return user;
      });
      const count = (state: string, owner?: object): number =>
        [...states].filter(([user, each]) => each === state && (owner ?? user.owner) === user.owner).length;
      for (const { user: at, leaves } of steps) {
        const user = users[at] as SlotUser;
        const isInside = ["in", "waiting"].includes(states.get(user) ?? "out");
        if (leaves) {
          states.set(user, "out");
          pool.leave(user);
        } else if (!isInside) {
          states.set(user, "waiting");
          pool.enter(user);
        }
        expect([pool.runningCount, pool.waitingCount]).toEqual([count("in"), count("waiting")]);
        expect(count("in")).toBeLessThanOrEqual(slotsMax);
        expect(count("waiting")).toBeLessThanOrEqual(5);
        // No one waits while there is a slot that is open to them.
        for (const owner of owners) {
          expect(count("in", owner)).toBeLessThanOrEqual(shareOf(slotsMax, 3));
          const mayHave = count("in") < slotsMax && count("in", owner) < shareOf(slotsMax, 3);
          if (mayHave) expect(count("waiting", owner)).toBe(0);
        }
      }
      for (const user of users) pool.leave(user);
    }),
  );
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

test("shows on a terminal what happened, and nothing that acts on it", () => {
  const lines: string[] = [];
  const sink = readableSink({ write: (line) => lines.push(line) });
  const say = (line: object): void => sink.write(`${JSON.stringify({ level: 30, time: 0, ...line })}\n`);
  say({
    event: "stream",
    socket: 3,
    id: 7,
    target: "wirebook",
    message: "brick\u001b[2J 2",
    outcome: "fin",
    receivedBytes: 350,
    ms: 1.5,
  });
  say({ event: "socket", socket: 3, outcome: "open", address: "127.0.0.1" });
  say({ event: "refused", address: "::1", status: 403, message: "no" });
  say({ msg: "something of the framework's" });
  say({ level: 50, event: "internal-error", err: { message: "broken" } });
  expect(lines).toEqual([
    "00:00:00.000 stream socket=3 id=7 target=wirebook message=brick\\u001b[2J 2 outcome=fin receivedBytes=350 ms=1.5\n",
    "00:00:00.000 socket socket=3 outcome=open address=127.0.0.1\n",
    "00:00:00.000 refused address=::1 status=403 message=no\n",
    '00:00:00.000 internal-error err={"message":"broken"}\n',
  ]);
  expect(lines.map((line) => plainText(line.trimEnd()))).toEqual(lines.map((line) => line.trimEnd()));
});

test("writes the lines of a moment at once, and those past the bound before it ends", () => {
  using clock = new HeldClock();
  const writes: string[] = [];
  const sink = gatheringSink({ write: (lines) => writes.push(lines) });
  for (const line of ["one\n", "two\n"]) sink.write(line);
  clock.pass(9);
  expect(writes).toEqual([]);
  clock.pass(1);
  expect(writes).toEqual(["one\ntwo\n"]);

  const [most, more] = ["x".repeat(gatheredCharactersMax), "y"];
  sink.write(most);
  expect(writes).toHaveLength(1);
  sink.write(more);
  expect(writes.at(-1)).toBe(most + more);
  sink.write("last\n");
  sink.flush();
  clock.pass(10);
  expect(writes.slice(2)).toEqual(["last\n"]);
});

test("tells of some refusals, and counts those of a flood", () => {
  using clock = new HeldClock();
  const lines: object[] = [];
  const add = (line: object): number => lines.push(line);
  const log = createLog({ warn: add, info: add } as unknown as FastifyBaseLogger);
  for (let at = 0; at < 5000; at++) {
    log.refused("192.0.2.1", 403, "no");
    log.closed("192.0.2.1", "connections");
    log.failedLogin({ address: "192.0.2.1", user: undefined, outcome: "wrong name or password" });
  }
  log.login({ address: "192.0.2.2", user: "ada", outcome: "logged in" });
  expect(lines).toHaveLength(21);
  clock.pass(1000);
  expect(lines.slice(21)).toEqual([{ event: "refused", more: 14_980 }]);
  log.refused("192.0.2.1", 403, "no");
  expect(lines.slice(22)).toEqual([{ event: "refused", address: "192.0.2.1", status: 403, message: "no" }]);
});
