/**
 * However a message is cut, it means the same: into segments of TCP, after which it also leaves the same line (`split`), and
 * over frames of a page (`gateway-split`) or messages of a client of the relay (`relay-split`).
 */

import { readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { decodeEntry, messageSilenceMs } from "@wirebook/protocol";
import { PageClient } from "../../test-support/page-client.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import { exchange, inTurns } from "../../test-support/tcp-client.ts";
import type { Outcome } from "../../test-support/tcp-client.ts";
import { openChannel } from "./network/channels.ts";
import type { Way } from "./network/channels.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

/** What follows a user whose name is the number of the message. None of it changes the history. */
const tails = ["", " ", " 2 1 1", " 2 1 1 1", " 77", " 1", "é 2 1 1", " 2 x\u202ey", " 5 0", "\t2\t1 1", " HTTP/1.1"];
const endings = ["\n", "\r\n", "\nand more\n"];
const pageMessages = ["brick\n", "brick 9\r\n", "otter 2 x y\n", "ünïcode ✓\n", "brick 1\n", "\n", "a b c d e f\n"];
/** So few that exchanges wait for a connection, and what the page writes meanwhile must keep its order. */
const connections = 4;
/** Attempts for a message that a busy machine wrote so slowly that silence ended it. */
const attemptsMax = 10;

export const faultTests: Readonly<Record<string, FaultTest>> = {
  split: {
    promise: "any segmentation of a message gets the same reply and leaves the same line",
    unit: "messages",
    first: 1000,
    full: 20_000,
    isInCi: false,
    needs: [],
    negativeControls: [{ mutant: "read-is-message", count: 10 }],
    run: runTcp,
  },
  "gateway-split": {
    promise: "a message split anywhere over frames of the page gets the reply that it gets in one piece",
    unit: "messages",
    first: 2000,
    ci: 1000,
    full: 50_000,
    isInCi: true,
    needs: [],
    negativeControls: [{ mutant: "reversed-pending-bytes", count: 200 }],
    run: (trial) => runGateway(trial, "conversation"),
  },
  "relay-split": {
    promise: "a message split anywhere over messages of a relay's client gets the reply that it gets in one piece",
    unit: "messages",
    first: 500,
    ci: 250,
    full: 50_000,
    isInCi: true,
    needs: [],
    negativeControls: [{ mutant: "reversed-pending-bytes", count: 40 }],
    run: (trial) => runGateway(trial, "relay"),
  },
};

/** Each message in one piece, cut once at each place, and byte by byte. */
async function runTcp({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer({ nodeArgs });
  const messages = Array.from({ length: count }, (_, number) =>
    Buffer.from(`u${number}${random.pick(tails)}${random.pick(endings)}`),
  );
  await exchange(server.port, "first\n");
  const violations: string[] = [];
  let exchanges = 0;
  await inTurns(count, 4, async (number) => {
    const bytes = messages[number] as Buffer;
    const { text: whole } = await exchange(server.port, bytes);
    const places = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);
    for (const cuts of [...places.map((at) => [at]), places]) {
      const { text, error } = await sendCut(server.port, bytes, cuts);
      exchanges += 1;
      if (text === whole && error === undefined) continue;
      violations.push(
        `${JSON.stringify(bytes.toString())} cut at ${cuts.join()} got ${text.slice(-80)} (${error ?? "FIN"})`,
      );
    }
    progress(number + 1);
  });
  violations.push(...linesThatDiffer(await readFile(server.historyPath, "utf8"), messages));
  return { tried: count, checked: `${exchanges.toLocaleString("en")} segmentations, each with its line`, violations };
}

/** Writes the pieces so that each is a segment of its own, most of which the server reads by themselves. */
function sendCut(port: number, bytes: Buffer, cuts: readonly number[]): Promise<Outcome> {
  return exchange(port, async (socket) => {
    for (const piece of piecesOf(bytes, cuts)) {
      socket.write(piece);
      await nextTurn();
    }
  });
}

/** Each message must stand there once for every way it was cut: whole, at each place, byte by byte. */
function linesThatDiffer(history: string, messages: readonly Buffer[]): string[] {
  const found = new Map<string, Map<string, number>>();
  for (const line of history.split("\n")) {
    const entry = decodeEntry(line);
    const name = entry.kind === "request" ? /^u\d+/.exec(entry.message)?.[0] : undefined;
    if (entry.kind !== "request" || name === undefined) continue;
    const forms = found.get(name) ?? new Map<string, number>();
    forms.set(entry.message, (forms.get(entry.message) ?? 0) + 1);
    found.set(name, forms);
  }
  return messages.flatMap((bytes, number) => {
    const forms = found.get(`u${number}`) ?? new Map<string, number>();
    if (forms.size === 1 && [...forms.values()][0] === bytes.length + 1) return [];
    return [`message ${number} of ${bytes.length} bytes left ${JSON.stringify([...forms])}`];
  });
}

/** Each message cut into single bytes, in two, or anywhere. */
async function runGateway({ count, random, nodeArgs, progress }: Trial, way: Way): Promise<Finding> {
  await using server = await startServer();
  const options = ["--relay"];
  await using gateway = await startGateway({ server: server.address, connections, options, nodeArgs });
  const whole = new Map<string, string>();
  for (const message of pageMessages) whole.set(message, (await exchange(server.port, message)).text);
  using page = await PageClient.open(gateway.address);
  const place = { page, address: gateway.address, target: "wirebook" };
  const violations: string[] = [];
  let slow = 0;
  const tryOne = async (attempt = 1): Promise<void> => {
    const message = random.pick(pageMessages);
    const bytes = Buffer.from(message);
    const pieces = piecesOf(bytes, chooseCuts(bytes.length, random));
    const reply: Uint8Array[] = [];
    const startedMs = performance.now();
    const channel = await openChannel(way, place, { onRead: (read) => reply.push(read) });
    for (const piece of pieces) void channel.send(piece);
    const { how } = await channel.over;
    const text = Buffer.concat(reply).toString();
    if (how === "fin" && text === whole.get(message)) return;
    // In so much time the server may have heard nothing between two writes for as long as ends a message [W-5].
    if (attempt < attemptsMax && performance.now() - startedMs >= messageSilenceMs) {
      slow += 1;
      return tryOne(attempt + 1);
    }
    violations.push(`${JSON.stringify(message)} in ${pieces.length} pieces got ${JSON.stringify(text)} (${how})`);
  };
  await inTurns(count, 32, async (number) => {
    await tryOne();
    progress(number);
  });
  violations.push(...page.unexpected);
  const checked = "each reply compared with that to the message in one piece";
  return { tried: count, checked, violations, figures: { "written too slowly, and again": slow } };
}

function chooseCuts(length: number, random: Random): number[] {
  const isEach = random.chance(0.2);
  const share = random.chance(0.5) ? 1 / length : random.next();
  return Array.from({ length: length - 1 }, (_, at) => at + 1).filter(() => isEach || random.chance(share));
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  return [0, ...cuts].map((from, at) => bytes.subarray(from, cuts[at] ?? bytes.length));
}
