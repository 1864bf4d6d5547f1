/**
 * Guesses at the passwords of a gateway, from one address and from fifty: few are checked, by form and by header, and the
 * owner of the name, who has logged in before, goes on.
 */

import type { Random } from "../../../test-support/random.ts";
import { gatewayLimits } from "../../../apps/gateway/src/limits.ts";
import type { Trial } from "../framework/fault-test.ts";
import { basic, logIn, password, send, startPeopleGateway, writePeople } from "./people-fixture.ts";
import type { PeopleFixture } from "./people-fixture.ts";

const guessersAtOnce = 16;
const home = "127.9.9.9";
const addresses = Array.from({ length: 50 }, (_, at) => `127.0.1.${at + 2}`);

/** What the guesses at one gateway came to. */
export interface GatewayGuesses {
  readonly violations: readonly string[];
  readonly checkedCount: number;
  readonly loginCount: number;
}

/** Sends so many wrong passwords. */
export async function guessAtGateway({ random, folder, nodeArgs }: Trial, count: number): Promise<GatewayGuesses> {
  const path = await writePeople(folder, ["ada"]);
  const violations: string[] = [];
  let checkedCount = 0;
  let loginCount = 0;
  for (const from of [addresses.slice(0, 1), addresses]) {
    await using fixture = await startPeopleGateway(["--auth", `basic:${path}`, "--role", "*=user"], nodeArgs);
    await logIn(fixture.gateway, "ada", home);
    const startedMs = performance.now();
    const logins: number[] = [];
    const guessing = guess(fixture, { from, count: Math.floor(count / 2), random });
    const working = logInUntil(fixture, guessing, logins);
    const checked = await guessing;
    const seconds = (performance.now() - startedMs) / 1000;
    await working;
    const refused = logins.filter((status) => status !== 303);
    if (refused.length > 0)
      violations.push(`${refused.length} of the owner's ${logins.length} logins got ${refused[0]}`);
    const most = checkedMax(from.length, seconds);
    if (checked > most)
      violations.push(`${checked} wrong passwords from ${from.length} addresses were checked, over ${most}`);
    checkedCount += checked;
    loginCount += logins.length;
  }
  return { violations, checkedCount, loginCount };
}

/** The guesses go at one name, so that its bound is the least; each address has one of its own as well. */
function checkedMax(addressCount: number, seconds: number): number {
  const { guessesPerNameMax, guessNameRefillMs, guessesPerAddressMax, guessAddressRefillMs } = gatewayLimits;
  const name = guessesPerNameMax + (seconds * 1000) / guessNameRefillMs;
  const each = guessesPerAddressMax + (seconds * 1000) / guessAddressRefillMs;
  return Math.ceil(Math.min(name, addressCount * each));
}

interface Guessing {
  readonly from: readonly string[];
  readonly count: number;
  readonly random: Random;
}

/** How many were checked: what else is said of the others. */
async function guess({ gateway }: PeopleFixture, { from, count, random }: Guessing): Promise<number> {
  let left = count;
  let checked = 0;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const wrong = `${random.below(1e9)}`;
      const proof = random.chance(0.5)
        ? { path: "/login", form: { user: "ada", password: wrong } }
        : { path: "/nothing", headers: { authorization: basic("ada", wrong) } };
      const { status } = await send(gateway, { ...proof, from: random.pick(from) });
      if (status === 401 || status === 403) checked += 1;
      else if (status !== 429 && status !== 503) throw new Error(`a guess got ${status}`);
    }
  };
  await Promise.all(Array.from({ length: guessersAtOnce }, work));
  return checked;
}

/** The owner's logins from the own address, one after another. */
async function logInUntil({ gateway }: PeopleFixture, until: Promise<unknown>, statuses: number[]): Promise<void> {
  let isOver = false;
  void until.finally(() => (isOver = true));
  while (!isOver) {
    const { status } = await send(gateway, { path: "/login", form: { user: "ada", password }, from: home });
    statuses.push(status);
  }
}
