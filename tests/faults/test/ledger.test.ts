/** The ledger of the fault tests: a history that is right is found right, however little of it was delivered before the crash. */

import { encodeRequestEntry, encodeResultEntry, encodeTime } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { Ledger } from "../history/ledger.ts";

const timeOf = (at: number): string => encodeTime(Date.UTC(2026, 0, 1) * 1000 + at);
const asked = (at: number, message: string): string => encodeRequestEntry(timeOf(at), "127.0.0.1", message, false);
const deleted = (at: number, user: string, line: number, of: number): string =>
  encodeResultEntry(timeOf(at), "127.0.0.1", user, { verb: "deleted-line", line, head: timeOf(of) });
const fileOf = (...lines: string[]): string => lines.map((line) => `${line}\n`).join("");

test("an acknowledged line that was deleted before it was delivered is not missed", () => {
  const ledger = new Ledger();
  ledger.deliver(asked(1, "c0-1"));
  for (const key of ["c0-1", "c1-1", "c2-1"]) ledger.acknowledge(key, undefined);
  // c1-1 was line 2, and then c2-1 deleted it; of both nothing was delivered.
  ledger.settle(fileOf(asked(1, "c0-1"), asked(3, "c2-1 1 2"), deleted(4, "c2-1", 2, 2)));
  expect(ledger.violations).toEqual([]);
  // The ledger goes on with what the file holds.
  ledger.deliver(asked(5, "c0-2"));
  ledger.settle(fileOf(asked(1, "c0-1"), asked(3, "c2-1 1 2"), deleted(4, "c2-1", 2, 2), asked(5, "c0-2")));
  expect(ledger.violations).toEqual([]);
});

test("an acknowledged line that is nowhere is missed, also beside one that was deleted unseen", () => {
  const ledger = new Ledger();
  for (const key of ["c1-1", "c2-1", "c3-1"]) ledger.acknowledge(key, undefined);
  ledger.settle(fileOf(asked(3, "c2-1 1 1"), deleted(4, "c2-1", 1, 1)));
  expect(ledger.violations).toEqual(["c3-1 was acknowledged and is lost"]);
});

test("a line that is there and was deleted by no request is missed when it goes", () => {
  const ledger = new Ledger();
  ledger.deliver(asked(1, "c0-1"));
  ledger.deliver(asked(2, "c1-1"));
  ledger.settle(fileOf(asked(2, "c1-1")));
  expect(ledger.violations).toHaveLength(1);
});
