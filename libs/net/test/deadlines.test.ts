import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { Deadlines } from "../src/deadlines.ts";

/** Something that tells when it expires. */
class Item {
  dueMs: number;
  readonly expired: Promise<number>;
  readonly #tell: (nowMs: number) => void;

  constructor(withinMs: number) {
    this.dueMs = performance.now() + withinMs;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.expired = promise;
    this.#tell = resolve;
  }

  expire(nowMs: number): void {
    this.dueMs = Infinity;
    this.#tell(nowMs);
  }
}

test("expire in the order in which they are due, never early", async () => {
  const deadlines = new Deadlines();
  const items = [60, 20, 40].map((ms) => new Item(ms));
  const due = items.map(({ dueMs }) => dueMs);
  for (const item of items) deadlines.add(item);
  const keepAlive = setInterval(() => {}, 1000); // The timer itself keeps no process alive.
  const at = await Promise.all(items.map(({ expired }) => expired));
  clearInterval(keepAlive);
  for (const [index, nowMs] of at.entries()) expect(nowMs).toBeGreaterThanOrEqual(due[index] as number);
  expect((at[1] as number) <= (at[2] as number) && (at[2] as number) <= (at[0] as number)).toBe(true);
});

test("follow what is put off or brought forward", async () => {
  const deadlines = new Deadlines();
  const [late, early, gone] = [new Item(10), new Item(10_000), new Item(10)] as const;
  for (const item of [late, early, gone]) deadlines.add(item);
  late.dueMs = Infinity;
  deadlines.delete(gone);
  early.dueMs = performance.now() + 30;
  deadlines.notice(early.dueMs);
  const keepAlive = setInterval(() => {}, 1000);
  await early.expired;
  clearInterval(keepAlive);
  expect([late.dueMs, Number.isFinite(gone.dueMs)]).toEqual([Infinity, true]);
});

test("that passed while the loop was busy are looked at once more, behind what lay ready", async () => {
  using clock = new HeldClock();
  const deadlines = new Deadlines();
  const item = new Item(5);
  deadlines.add(item);
  let expiries = 0;
  void item.expired.then(() => (expiries += 1));
  clock.pass(5);
  item.dueMs = Infinity; // As a connection whose bytes were found meanwhile.
  await turn();
  expect(expiries).toBe(0);
});
