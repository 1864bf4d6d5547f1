import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Peer } from "./tcp-peer.ts";
import { openRig } from "./server-fixture.ts";
import type { Rig } from "./server-fixture.ts";

const burst = 10;
/**
 * Turns of the event loop from a message to the next. A client that was answered closes, connects and sends anew, and each of
 * these takes a turn of the server, in which nothing is asked; so requests come in bursts that are as loose as this.
 */
const turnsBetween = 3;
/** A kernel that is busy delivers late, and the turns that pass meanwhile are not the server's doing. */
const attempts = 5;

/** How many syncs a burst took: requests that share one become durable together, and find the same number of lines. */
async function syncsOf({ port, history }: Rig): Promise<number> {
  const append = history.append.bind(history);
  const durable = new Set<number>();
  history.append = async (asked) => {
    const written = await append(asked);
    durable.add(history.size().lines);
    return written;
  };
  const peers = await Promise.all(Array.from({ length: burst }, () => Peer.connect(port)));
  for (const peer of peers) {
    void peer.write("brick\n");
    for (let at = 0; at < turnsBetween; at++) await turn();
  }
  for (const peer of peers) expect(await peer.outcome).toMatchObject({ isReset: false });
  return durable.size;
}

test("a burst of requests is synced once, also when turns without a request come between them", async () => {
  let syncs = burst;
  for (let attempt = 0; attempt < attempts && syncs > 1; attempt++) {
    await using rig = await openRig();
    syncs = await syncsOf(rig);
  }
  expect(syncs).toBe(1);
});
