/** Nothing that can be typed forges, breaks or colours the log. Each round has a server and a history of its own. */

import { readFile } from "node:fs/promises";
import { decodeCommand, decodeEntry, decodeMessage, decodeText, encodeText } from "@wirebook/protocol";
import { startServer } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { addressOf, exchange, inTurns } from "../../test-support/tcp-client.ts";

const pairs = 0x1_0000;
/** Odd, so that its multiples visit every pair once before any comes again, and a few of them are spread well. */
const stride = 40_503;
const randomBytesMax = 40;

/** Where bytes are put into a message; with two bytes none of these can become an operation that changes the history. */
const places: readonly ((bytes: Uint8Array) => Buffer)[] = [
  (bytes) => Buffer.from(bytes),
  (bytes) => Buffer.concat([Buffer.from("bri"), bytes, Buffer.from("ck 77")]),
  (bytes) => Buffer.concat([Buffer.from("brick 77"), bytes]),
  (bytes) => Buffer.concat([Buffer.from("brick 2 "), bytes, Buffer.from(" y")]),
];

const unclean = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffd]/u;

export const faultTest: FaultTest = {
  promise: "every message leaves exactly one clean line, from which its bytes can be had back",
  unit: "byte strings in 4 places",
  first: pairs,
  ci: 1024,
  full: pairs + 1_000_000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "no-escaping", count: 256 }],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  const violations: string[] = [];
  let lines = 0;
  for (let from = 0; from < count; from += pairs) {
    const found = await tryRound(from, Math.min(count, from + pairs), { random, nodeArgs, progress });
    violations.push(...found.violations);
    lines += found.lines;
  }
  return { tried: count, checked: `${lines.toLocaleString("en")} lines read back`, violations };
}

/** The byte strings with numbers from one up to, and without, another. */
async function tryRound(
  from: number,
  to: number,
  { random, nodeArgs, progress }: Pick<Trial, "random" | "nodeArgs" | "progress">,
): Promise<{ readonly lines: number; readonly violations: readonly string[] }> {
  await using server = await startServer({ nodeArgs });
  const expected = new Map<string, number>();
  const violations: string[] = [];
  await inTurns(to - from, 32, async (at) => {
    const number = from + at;
    const bytes = number < pairs ? pairOf(number) : harmlessBytes(random);
    for (const place of places) {
      const message = place(bytes);
      // From one address, bytes that look like a key would be delayed as guesses.
      const own = { from: addressOf(number & 0x7fff) };
      const { text, error } = await exchange(server.port, Buffer.concat([message, Buffer.from("\n")]), own);
      if (text === "" || error !== undefined)
        violations.push(`${message.toString("hex")} got no whole reply (${error})`);
      const kept = keptOf(message);
      expected.set(kept, (expected.get(kept) ?? 0) + 1);
    }
    progress(number + 1);
  });
  const lines = (await readFile(server.historyPath, "utf8")).split("\n").slice(0, -1);
  violations.push(...compare(lines, expected), ...server.stdout.filter((line) => unclean.test(line)));
  const sent = (to - from) * places.length;
  if (lines.length !== sent) violations.push(`${sent} messages left ${lines.length} lines`);
  return { lines: lines.length, violations };
}

function pairOf(number: number): Uint8Array {
  const pair = (number * stride) % pairs;
  return Uint8Array.of(pair >> 8, pair & 0xff);
}

/** Drawn again when they make a message, in any place, that changes the history, reads much of it or follows it: a few in a million. */
function harmlessBytes(random: Random): Uint8Array {
  for (;;) {
    const bytes = random.bytes(random.between(1, randomBytesMax));
    if (places.every((place) => isHarmless(place(bytes)))) return bytes;
  }
}

function isHarmless(message: Buffer): boolean {
  const end = message.indexOf(0x0a);
  try {
    const { verb } = decodeCommand(decodeMessage(end < 0 ? message : message.subarray(0, end)).words);
    return verb === "list" || verb === "status";
  } catch {
    return true; // It is a mistake, and does nothing but leave its line.
  }
}

/** What the history must give back: the first line, without a key in the first word, and with `…` for one in any other. */
function keptOf(message: Buffer): string {
  const end = message.indexOf(0x0a);
  const text = decodeText(end < 0 ? message : message.subarray(0, end)).replace(/\r$/, "");
  return text.replace(/^(\s*[^\s~]*)~\S*/u, "$1").replace(/~\S+/gu, "~…");
}

/** Takes each line from what is expected; what is over on either side is a violation. */
function compare(lines: readonly string[], expected: Map<string, number>): string[] {
  const violations: string[] = [];
  for (const line of lines) {
    const entry = decodeEntry(line);
    if (unclean.test(line) || entry.kind !== "request") {
      violations.push(`not a clean line: ${JSON.stringify(line)}`);
      continue;
    }
    const key = entry.message;
    const left = (expected.get(key) ?? 0) - 1;
    if (left > 0) expected.set(key, left);
    else expected.delete(key);
    if (left < 0) violations.push(`a line that was not sent, or too often: ${JSON.stringify(line)}`);
  }
  for (const [kept, left] of expected)
    violations.push(`${left} lines are missing of ${Buffer.from(encodeText(kept)).toString("hex")}`);
  return violations;
}
