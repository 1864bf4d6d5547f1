/** What every store of users promises; see suite.ts, which does the same for histories. */

import { describe, expect, test } from "vitest";
import { usersMax } from "../src/users.ts";
import type { User, Users } from "../src/index.ts";

/** Opens the users of a place: a word, new to the store in each test, that leads to the same users each time. */
export type OpenUsers = (place: string) => Promise<Users>;

/** A user with that name. */
export function userOf(name: string): User {
  return { name, role: "member", keyHash: "sha256:00ff", createdAt: "2026-11-22T20:31:05.123Z", createdBy: "-" };
}

/** Declares the tests of the store with that name. */
export function usersSuite(name: string, open: OpenUsers): void {
  let places = 0;
  const newPlace = (): string => `place-${++places}`;

  describe(`the users of the engine ${name}`, () => {
    describeChanges(open, newPlace);
    describeConfirming(open, newPlace);
    describeOthers(open, newPlace);
  });
}

function describeChanges(open: OpenUsers, newPlace: () => string): void {
  test("are none at first", async () => {
    await using users = await open(newPlace());
    expect([users.count, await users.list(), users.find("ada")]).toEqual([0, [], undefined]);
  });

  test("are found when they were added, by any case of their name, and not when they were removed", async () => {
    await using users = await open(newPlace());
    const ada: User = { ...userOf("Ada"), role: "admin", createdBy: "eve" };
    await users.add(ada);
    await users.add(userOf("bo"));
    expect([users.count, users.find("ada"), users.find("ADA")]).toEqual([2, ada, ada]);
    expect(await users.list()).toEqual([ada, userOf("bo")]);
    expect(await users.remove("aDA")).toEqual(ada);
    expect([users.count, users.find("Ada"), users.find("bo")]).toEqual([1, undefined, userOf("bo")]);
  });

  test("refuse a name that is taken and the removal of one that is not there", async () => {
    await using users = await open(newPlace());
    await users.add(userOf("zo\u00eb"));
    await expect(users.add(userOf("ZOE\u0308"))).rejects.toMatchObject({ name: "UsersError", code: "name-taken" });
    await expect(users.remove("bo")).rejects.toMatchObject({ name: "UsersError", code: "no-such-user" });
    expect(users.count).toBe(1);
  });

  test("last", async () => {
    const place = newPlace();
    {
      await using users = await open(place);
      await users.add(userOf("ada"));
    }
    await using users = await open(place);
    expect(users.find("ada")).toEqual(userOf("ada"));
  });

  test("give a name once, however many want it at once", async () => {
    await using users = await open(newPlace());
    const wanted = await Promise.allSettled(Array.from({ length: 20 }, () => users.add(userOf("ada"))));
    expect(wanted.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
}

function describeConfirming(open: OpenUsers, newPlace: () => string): void {
  test("cannot be found before they are confirmed, and hold their name meanwhile", async () => {
    await using users = await open(newPlace());
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: confirmed, resolve: confirm } = Promise.withResolvers<void>();
    const first = users.add(userOf("ada"), () => {
      ask();
      return confirmed;
    });
    await asked;
    const second = expect(users.add(userOf("ada"))).rejects.toMatchObject({ code: "name-taken" });
    expect([users.find("ada"), await users.list()]).toEqual([undefined, []]);
    confirm();
    await Promise.all([first, second]);
    expect(users.find("ada")).toEqual(userOf("ada"));
  });

  test("are not added when that fails, and their name is free again", async () => {
    await using users = await open(newPlace());
    const failure = new Error("no");
    await expect(users.add(userOf("ada"), () => Promise.reject(failure))).rejects.toBe(failure);
    expect([users.find("ada"), await users.list()]).toEqual([undefined, []]);
    await users.add(userOf("ada"));
    expect(users.count).toBe(1);
  });
}

function describeOthers(open: OpenUsers, newPlace: () => string): void {
  test("are seen soon where somebody else has changed them", async () => {
    const place = newPlace();
    await using users = await open(place);
    await using others = await open(place);
    await others.add(userOf("ada"));
    await expect.poll(() => users.find("ada")).toEqual(userOf("ada"));
    await others.remove("ada");
    await expect.poll(() => users.find("ada")).toBeUndefined();
  });

  test("are none too few when several change them at once", async () => {
    const place = newPlace();
    await using one = await open(place);
    await using other = await open(place);
    const names = Array.from({ length: 20 }, (_, at) => `user-${at}`);
    await Promise.all(names.map((name, at) => (at % 2 === 0 ? one : other).add(userOf(name))));
    await Promise.all(names.slice(0, 5).map((name, at) => (at % 2 === 0 ? other : one).remove(name)));
    expect((await one.list()).map(({ name }) => name)).toEqual(names.slice(5).toSorted());
  });
}

/** Fills a store to its bound by `fill`, which is given the users that fit but one. */
export async function expectBound(
  open: () => Promise<Users>,
  fill: (users: readonly User[]) => Promise<void>,
): Promise<void> {
  await fill(Array.from({ length: usersMax - 1 }, (_, at) => userOf(`user-${at}`)));
  await using users = await open();
  await users.add(userOf("last"));
  await expect(users.add(userOf("one-more"))).rejects.toMatchObject({ code: "users-max" });
  expect(users.count).toBe(usersMax);
}
