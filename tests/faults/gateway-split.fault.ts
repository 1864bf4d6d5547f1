/** A message in any pieces: over frames, over fragments of a frame, over segments of TCP. The server must not notice. */

import { messageSilenceMs } from "@wirebook/protocol";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { PageClient } from "../../test-support/page-client.ts";
import type { Answer } from "../../test-support/page-client.ts";
import type { Random } from "../../test-support/random.ts";
import { exchange, inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const messages = ["brick\n", "brick 9\r\n", "otter 2 x y\n", "ünïcode ✓\n", "brick 1\n", "\n", "a b c d e f\n"];
const atOnce = 32;
/** So few that exchanges wait for a connection, and what the page writes meanwhile must keep its order. */
const serverConnections = 4;
/** Tries for a message that a machine without time for the gateway wrote so slowly that silence ended it. */
const attemptsMax = 10;

export const faultTest: FaultTest = {
  promise: "a message split anywhere over frames of the page gets the reply that it gets in one piece",
  unit: "messages",
  first: 2000,
  full: 50_000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "reversed-pending-bytes", count: 200 }],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer();
  await using gateway = await startGateway({ server: server.address, serverConnections, nodeArgs });
  const whole = new Map<string, string>();
  for (const message of messages) whole.set(message, (await exchange(server.port, message)).text);
  using page = await PageClient.open(gateway.address);
  const violations: string[] = [];
  let slow = 0;
  const tryOne = async (attempt = 1): Promise<void> => {
    const message = random.pick(messages);
    const pieces = cut(Buffer.from(message), random);
    const [first = Buffer.alloc(0), ...more] = pieces;
    const { bytes, last } = await page.raw(first, { more });
    if (last.type === "end" && bytes.toString() === whole.get(message)) return;
    if (attempt < attemptsMax && mayHaveBeenSilent(last)) {
      slow += 1;
      return tryOne(attempt + 1);
    }
    violations.push(`${JSON.stringify(message)} in ${pieces.length} pieces got ${JSON.stringify(bytes.toString())}`);
  };
  await inTurns(count, atOnce, async (number) => {
    await tryOne();
    progress(number);
  });
  violations.push(...page.unexpected);
  const checked = "each reply compared with that to the message in one piece";
  return { tried: count, checked, violations, figures: { "written too slowly, and again": slow } };
}

/**
 * True when the server may have heard nothing between two writes for as long as ends a message [W-5]. A write may be noted
 * long after it was made, but not before the one before was noted.
 */
function mayHaveBeenSilent({ at, writes }: Answer["last"]): boolean {
  const times = [Number(at.established), Number(at.established), ...(writes ?? []).map(([ms]) => ms)];
  return times.slice(2).some((ms, index) => ms - Number(times[index]) >= messageSilenceMs);
}

/** Into single bytes, in two, or anywhere. */
function cut(bytes: Buffer, random: Random): Buffer[] {
  const isEach = random.chance(0.2);
  const share = random.chance(0.5) ? 1 / bytes.length : random.next();
  const cuts = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1).filter(() => isEach || random.chance(share));
  return [0, ...cuts].map((from, at) => bytes.subarray(from, cuts[at] ?? bytes.length));
}
