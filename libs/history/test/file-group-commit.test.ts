/** Which appends share a sync, told in turns of the event loop, so that no clock has a say in it [H-10]. */

import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { openFileHistory } from "../src/index.ts";
import type { History } from "../src/index.ts";
import { gatherQuietTurns, gatherTurnsMax } from "../src/file/group-commit.ts";
import { createFolder } from "./folder.ts";

async function turns(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await turn();
}

/** Appends a line, and gives how many are durable by the time that it is: the same for all that share a sync. */
const append = async (history: History): Promise<number> => {
  await history.append({ address: "127.0.0.1", message: "brick", isCut: false });
  return history.size().lines;
};

/** How many syncs a burst takes whose appends come with so many turns between one and the next. */
async function syncsOf(count: number, turnsBetween: number): Promise<number> {
  await using folder = await createFolder();
  await using history = await openFileHistory(folder.file("history.txt"));
  const appends: Promise<number>[] = [];
  for (let at = 0; at < count; at++) {
    appends.push(append(history));
    await turns(turnsBetween);
  }
  return new Set(await Promise.all(appends)).size;
}

test("appends share one sync until there were so many turns in a row without one", async () => {
  // The first turn behind an append is that in which it is seen, and no quiet one.
  expect(await syncsOf(8, gatherQuietTurns)).toBe(1);
  expect(await syncsOf(8, gatherQuietTurns + 1)).toBe(8);
});

test("appends that come without a pause are synced after so many turns", async () => {
  expect(await syncsOf(gatherTurnsMax, 1)).toBe(1);
  expect(await syncsOf(gatherTurnsMax + 1, 1)).toBe(2);
  expect(await syncsOf(3 * gatherTurnsMax, 1)).toBe(3);
});
