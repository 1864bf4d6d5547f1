/**
 * A process of its own that appends to a history on NATS for a while.
 *
 *     node appender.ts ADDRESS WINDOW SECONDS      prints how many lines were acknowledged, and the seconds of CPU that took
 */

import { argv, cpuUsage, stdout } from "node:process";
import { openJetStreamHistory } from "@wirebook/history-jetstream";

const [, , address = "", window = "", seconds = ""] = argv;
await using history = await openJetStreamHistory(address);
const cpuBefore = cpuUsage();
const endMs = performance.now() + Number(seconds) * 1000;
let count = 0;

async function appendAll(): Promise<void> {
  while (performance.now() < endMs) {
    await history.append({ address: "127.0.0.1", message: "brick 2 -100", isCut: false });
    count += 1;
  }
}

await Promise.all(Array.from({ length: Number(window) }, appendAll));
const { user, system } = cpuUsage(cpuBefore);
stdout.write(`${count} ${(user + system) / 1e6}\n`);
