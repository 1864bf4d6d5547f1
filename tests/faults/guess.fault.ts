/**
 * Guessing keys is slow and cheap for everybody else: wrong keys by the thousand, from one address and from fifty, while
 * the owner of the name, at the first of those addresses, goes on working. A tenth as many wrong passwords go to a gateway.
 */

import { stat } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { register, untilKnown } from "./keys/users-fixture.ts";
import { guessAtGateway } from "./people/gateway-guesses.ts";
import { ask } from "../../test-support/tcp-client.ts";

/** More than are held for an address, and from all addresses together more than are held in all. */
const guessersAtOnce = (addressCount: number): number => (addressCount === 1 ? 16 : 136);
const ownerPauseMs = 20;
const ownerP99MsMax = 100;
/** Nobody guesses at this user or from this address, so these requests take as long as the machine and the load alone. */
const bystander = { name: "bob", address: "127.9.9.9" };
const ownerTimesMax = 2;
const logBytesMax = 1_000_000;
/** Answers that an address may get: those of the growing delay, those held at the end, and then 8 every 4 s [U-7]. */
const answersMax = (seconds: number): number => 20 + 2 * seconds;

const addresses = Array.from({ length: 50 }, (_, at) => `127.0.0.${at + 2}`);
const places = [addresses.slice(0, 1), addresses];

export const faultTest: FaultTest = {
  promise: "guessing keys is slow, no owner is locked out, and the log stays small",
  unit: "wrong keys and passwords",
  first: 10_000,
  full: 200_000,
  isInCi: false,
  needs: [],
  negativeControls: [
    { mutant: "no-auth-delay", count: 2000 },
    { mutant: "delayed-right-keys", count: 2000 },
    { mutant: "unlimited-guesses", count: 2000 },
    { mutant: "locked-out-owners", count: 2000 },
  ],
  run,
};

async function run(trial: Trial): Promise<Finding> {
  const { count, random, nodeArgs, progress } = trial;
  const atGateway = await guessAtGateway(trial, Math.floor(count / 10));
  const violations = [...atGateway.violations];
  if (violations.length > 0) return { tried: Math.floor(count / 10), checked: "a gateway alone", violations };
  const ownerMs: number[] = [];
  const bystanderMs: number[] = [];
  let logBytes = 0;
  for (const [at, from] of places.entries()) {
    await using server = await startServer({ nodeArgs, options: ["--users", "registered"] });
    const owner = await register(server.historyPath, "ada", "admin");
    const other = await register(server.historyPath, bystander.name, "member");
    for (const user of [owner, other]) await untilKnown(server.port, user);
    const wrong = Math.floor(count / places.length);
    const found = await attack(server, [owner, other], { from, wrong, random });
    violations.push(...found.violations);
    ownerMs.push(...found.ownerMs);
    bystanderMs.push(...found.bystanderMs);
    logBytes += found.logBytes;
    progress((at + 1) * wrong);
  }
  const [p99, bystanderP99] = [p99Of(ownerMs), p99Of(bystanderMs)];
  if (p99 > Math.max(ownerP99MsMax, ownerTimesMax * bystanderP99)) {
    violations.push(`the owner waited ${p99.toFixed(1)} ms (p99), and a bystander ${bystanderP99.toFixed(1)}`);
  }
  if (logBytes > (logBytesMax * count) / 10_000) violations.push(`the history grew by ${logBytes} bytes`);
  const times = { ownerP99Ms: p99.toFixed(1), bystanderP99Ms: bystanderP99.toFixed(1) };
  const figures = { ...times, historyBytes: logBytes, passwordsChecked: atGateway.checkedCount };
  const checked = `${ownerMs.length} requests and ${atGateway.loginCount} logins of the owner beside them`;
  return { tried: count + Math.floor(count / 10), checked, violations, figures };
}

function p99Of(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? Infinity;
}

interface Attack {
  readonly from: readonly string[];
  readonly wrong: number;
  readonly random: Random;
}

interface Attacked {
  readonly violations: string[];
  readonly ownerMs: number[];
  readonly bystanderMs: number[];
  readonly logBytes: number;
}

async function attack(
  server: ServerProgram,
  [owner, other]: readonly [string, string],
  { from, wrong, random }: Attack,
): Promise<Attacked> {
  const answers = new Map<string, number>();
  const violations: string[] = [];
  let left = wrong;
  const guess = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const address = random.pick(from);
      const key = Array.from({ length: 26 }, () => random.pick([..."0123456789abcdefghjkmnpqrstvwxyz"])).join("");
      const reply = await ask(server.port, `ada~${key} 2`, address);
      if (reply === "Authentication error.") answers.set(address, (answers.get(address) ?? 0) + 1);
      else if (!reply.includes("Error: 8 wrong keys from your address"))
        violations.push(`a guess got ${JSON.stringify(reply)}`);
    }
  };
  const { size: sizeBefore } = await stat(server.historyPath);
  const startedMs = performance.now();
  const guessing = Promise.all(Array.from({ length: guessersAtOnce(from.length) }, guess));
  const working = sendUntil(server, owner, from[0] as string, guessing);
  const beside = sendUntil(server, other, bystander.address, guessing);
  await guessing;
  const seconds = (performance.now() - startedMs) / 1000;
  const { spentMs: ownerMs, refused } = await working;
  const { spentMs: bystanderMs } = await beside;
  if (refused.length > 0) violations.push(`${refused.length} times the owner got ${JSON.stringify(refused[0])}`);
  for (const [address, count] of answers) {
    if (count > answersMax(seconds)) violations.push(`${address} got ${count} answers in ${seconds.toFixed(1)} s`);
  }
  const { size } = await stat(server.historyPath);
  return { violations, ownerMs, bystanderMs, logBytes: size - sizeBefore };
}

/** A user's requests, one after another until the guessing is over. */
async function sendUntil(
  server: ServerProgram,
  user: string,
  from: string,
  until: Promise<unknown>,
): Promise<{ spentMs: number[]; refused: string[] }> {
  let isOver = false;
  void until.then(() => (isOver = true));
  const spentMs: number[] = [];
  const refused: string[] = [];
  while (!isOver) {
    const askedMs = performance.now();
    const reply = await ask(server.port, `${user} 2 -1`, from);
    spentMs.push(performance.now() - askedMs);
    if (!reply.endsWith('"\n')) refused.push(reply.slice(-120));
    await pause(ownerPauseMs);
  }
  return { spentMs, refused };
}
