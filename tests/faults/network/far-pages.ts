/**
 * Clients on another machine, or in a network namespace: each opens a WebSocket, and on it one of a follow, a conversation, a
 * conversation with a target that reads nothing, and a relay.
 *
 *     node far-pages.ts HOST:PORT ORIGIN COUNT      prints a line when all of them have their connection, and nothing flows
 *
 * The targets are `wirebook`, `mirror` and `deaf`.
 */

import process from "node:process";
import { countsOnly } from "@wirebook/protocol";
import { PageClient } from "../../../test-support/page-client.ts";
import type { PageStream } from "../../../test-support/page-client.ts";
import { RelayClient } from "../../../test-support/relay-client.ts";
import { becomesStill } from "./gateway-health.ts";

/** More than all buffers on the way take. */
const unreadBytes = Buffer.alloc(16 * 1024 * 1024);

const [address = "", origin = "", count = "1"] = process.argv.slice(2);
// The Host that the gateway knows is its origin's, whatever the address by which it is reached.
const options = { origin, headers: { host: new URL(origin).host } };

const stalled: PageStream[] = [];

async function connect(number: number): Promise<void> {
  if (number % 4 === 0) {
    const relay = await RelayClient.open(address, "mirror", options);
    await relay.send("x");
    await relay.received(1);
    return;
  }
  const page = await PageClient.open(address, options);
  if (number % 4 === 1) await page.request("brick", ["5"]).opened;
  if (number % 4 === 2) await page.connect("mirror", { bytes: "x" }).received(1);
  if (number % 4 !== 3) return;
  const stream = page.connect("deaf", {}, { bounds: countsOnly });
  await stream.opened;
  void stream.send(unreadBytes);
  stalled.push(stream);
}

for (let opened = 0; opened < Number(count); opened++) await connect(opened);
await becomesStill(() => stalled.reduce((sum, { record }) => sum + record.sentBytes, 0));
process.stdout.write(`${count} clients are connected\n`);
