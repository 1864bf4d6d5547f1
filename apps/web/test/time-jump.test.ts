import { describe, expect, test } from "vitest";
import { encodeTime } from "@wirebook/protocol";
import { HistoryReplica } from "../src/history/replica/history-replica.ts";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { locate, TimeJump } from "../src/history/replica/time-jump.svelte.ts";
import { openLiveScene } from "./app-fixture.ts";

const startUs = 1_800_000_000_000_000;
/** Times that come in bursts, as they do. */
const time = (n: number) => encodeTime(startUs + n * n * 100);
const lines = Array.from({ length: 100_000 }, (_, index) => `${time(index + 1)} ::1 "brick ${index + 1}"`);

async function find(wanted: string, all: readonly string[] = lines) {
  const copy = new HistoryReplica(all.length);
  let reads = 0;
  const read = ({ from, to }: { from: number; to: number }) => {
    reads += 1;
    copy.put(from, all.slice(from - 1, to));
    return Promise.resolve(true);
  };
  return { found: await locate(copy, wanted, read), reads };
}

describe("finding the line of a time", () => {
  test.each([1, 2, 999, 1000, 1001, 54_321, 99_999, 100_000])("finds line %i with few reads", async (n) => {
    const { found, reads } = await find(time(n));
    expect(found).toBe(n);
    expect(reads).toBeLessThanOrEqual(12);
  });

  test("takes the next line where there is none of that time, and else the last", async () => {
    const all = lines.toSpliced(54_320, 1);
    expect((await find(time(54_321), all)).found).toBe(54_321);
    expect((await find(time(0), all)).found).toBe(1);
    expect((await find(time(200_000), all)).found).toBe(99_999);
  });

  test("takes lines without a time for older ones", async () => {
    const all = [...Array.from({ length: 60_000 }, (_, n) => `line ${n}`), ...lines.slice(60_000)];
    expect((await find(time(70_000), all)).found).toBe(70_000);
    expect((await find(time(50_000), all)).found).toBe(60_001);
  });

  test("fails when the lines cannot be read", async () => {
    expect(await locate(new HistoryReplica(100), time(3), () => Promise.resolve(false))).toBeUndefined();
  });
});

test("a jump goes to the first line from a time on", async () => {
  const scene = await openLiveScene(5000);
  const view = new HistoryView(scene.history);
  const jump = new TimeJump(scene.streams, scene.history, (position) => view.reveal(position));
  await jump.goTo((scene.peer.lines[1233] ?? "").slice(0, 27));
  expect([view.rowHeld("cursor"), view.revealed, jump.time]).toEqual([1233, 1, ""]);
  await jump.goTo("2000-01-01T00:00:00.000000Z");
  expect([view.rowHeld("cursor"), view.revealed]).toEqual([0, 2]);
});
