/** However TCP cuts a message, it means the same and leaves the same line. */

import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { decodeEntry } from "@wirebook/protocol";
import { startServer } from "../../test-support/programs.ts";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { exchange, inTurns } from "../../test-support/tcp-client.ts";

/** What stands behind a user whose name is the number of the message. None of it changes the history. */
const tails = ["", " ", " 2 1 1", " 2 1 1 1", " 77", " 1", "é 2 1 1", " 2 x\u202ey", " 5 0", "\t2\t1 1", " HTTP/1.1"];
const endings = ["\n", "\r\n", "\nand more\n"];

export const faultTest: FaultTest = {
  promise: "any segmentation of a message gets the same reply and leaves the same line",
  unit: "messages",
  first: 1000,
  full: 20_000,
  isInCi: false,
  needs: [],
  negativeControls: [{ mutant: "read-is-message", count: 10 }],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer({ nodeArgs });
  const messages = Array.from({ length: count }, (_, number) => compose(number, random));
  await exchange(server.port, "first\n");
  const violations: string[] = [];
  let exchanges = 0;
  await inTurns(count, 4, async (number) => {
    const bytes = messages[number] as Buffer;
    const { text: whole } = await exchange(server.port, bytes);
    const cuts = [...Array.from({ length: bytes.length - 1 }, (_, at) => [at + 1]), everyByte(bytes.length)];
    for (const cut of cuts) {
      const { text, error } = await exchange(server.port, (socket) => sendCut(socket, bytes, cut));
      exchanges += 1;
      if (text !== whole || error !== undefined) {
        violations.push(
          `${JSON.stringify(bytes.toString())} cut at ${cut.join()} got ${text.slice(-80)} (${error ?? "FIN"})`,
        );
      }
    }
    progress(number + 1);
  });
  violations.push(...linesThatDiffer(await readFile(server.historyPath, "utf8"), messages));
  return { tried: count, checked: `${exchanges.toLocaleString("en")} segmentations, each with its line`, violations };
}

function compose(number: number, random: Random): Buffer {
  return Buffer.from(`u${number}${random.pick(tails)}${random.pick(endings)}`);
}

function everyByte(length: number): number[] {
  return Array.from({ length: length - 1 }, (_, at) => at + 1);
}

/** Writes the pieces so that each is a segment of its own, most of which the server reads by themselves. */
async function sendCut(socket: Socket, bytes: Uint8Array, cuts: readonly number[]): Promise<void> {
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    socket.write(bytes.subarray(from, to));
    from = to;
    await nextTurn();
  }
}

/** Each message must stand there once for every way it was cut: whole, at each place, byte by byte. */
function linesThatDiffer(history: string, messages: readonly Buffer[]): string[] {
  const found = new Map<string, Map<string, number>>();
  for (const line of history.split("\n")) {
    const entry = decodeEntry(line);
    const name = entry.kind === "asked" ? /^u\d+/.exec(entry.message)?.[0] : undefined;
    if (entry.kind !== "asked" || name === undefined) continue;
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
